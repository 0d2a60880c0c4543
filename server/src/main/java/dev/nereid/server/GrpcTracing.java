package dev.nereid.server;

import dev.nereid.telemetry.Counter;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import io.grpc.Metadata;
import io.grpc.ServerStreamTracer;
import io.grpc.Status;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;

/** Counts calls by how they end, and those that are open. Thread-safe. */
final class GrpcTracing extends ServerStreamTracer.Factory {
  private final Map<Status.Code, Counter> ended = new EnumMap<>(Status.Code.class);
  private final LongAdder open = new LongAdder();
  private final ServerStreamTracer tracer = new Tracer();

  GrpcTracing(Metrics metrics) {
    for (Status.Code code : Status.Code.values()) {
      ended.put(code, metrics.counter(Meter.GRPC_REQUESTS, code.name()));
    }
    metrics.gauge(Meter.GRPC_STREAMS, open::sum);
  }

  /** Calls begun and not ended. */
  long open() {
    return open.sum();
  }

  @Override
  public ServerStreamTracer newServerStreamTracer(String fullMethodName, Metadata headers) {
    open.increment();
    return tracer;
  }

  /** One for all calls, since it keeps nothing of them. */
  private final class Tracer extends ServerStreamTracer {
    @Override
    public void streamClosed(Status status) {
      open.decrement();
      Counter counter = ended.get(status.getCode());
      if (counter != null) {
        counter.increment();
      }
    }
  }
}
