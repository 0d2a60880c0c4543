package dev.nereid.server;

import dev.nereid.core.TraceSpan;
import dev.nereid.core.Tracer;
import dev.nereid.engine.Engine;
import dev.nereid.protocol.GrpcRequestReader;
import dev.nereid.protocol.GrpcResponse;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** ModelInfer: begins a call for each stream. Thread-safe. */
final class GrpcInference implements ServerCallHandler<GrpcBody, GrpcResponse> {
  private final Engine engine;
  private final GrpcRequestReader reader;
  private final CodecThreads codecs;
  private final LoopBatches.OfLoops loops;
  private final GrpcCallLog log;
  private final long patienceNanos;
  private final HeaderForwarding forwarding;
  private final boolean packing;
  private final @Nullable Tracer tracer;

  GrpcInference(
      GrpcListener.Services services,
      LoopBatches.OfLoops loops,
      GrpcCallLog log,
      GrpcOptions options) {
    engine = services.engine();
    codecs = services.codecs();
    tracer = services.tracer();
    this.loops = loops;
    this.log = log;
    patienceNanos = options.limits().request().toNanos();
    forwarding = options.access().forwarding();
    packing = options.packing() != GrpcOptions.Packing.NONE;
    reader = new GrpcRequestReader(engine.memory());
  }

  @Override
  public ServerCall.Listener<GrpcBody> startCall(
      ServerCall<GrpcBody, GrpcResponse> call, Metadata headers) {
    long now = engine.ticker().nanos();
    Deadline deadline = Context.current().getDeadline();
    long deadlineNanos =
        deadline != null
            ? now + deadline.timeRemaining(TimeUnit.NANOSECONDS)
            : patienceNanos > 0 ? now + patienceNanos : Long.MAX_VALUE;
    call.request(2); // one message, and a look at whether there wrongly is a second
    if (packing) {
      call.setCompression("gzip");
    }
    Map<String, Object> forwarded = forwarding.isNone() ? Map.of() : forwarding.of(headers);
    TraceSpan span = tracer == null ? null : GrpcTrace.begin(tracer, call, headers, now);
    return new GrpcInferCall(this, call, now, deadlineNanos, forwarded, span);
  }

  Engine engine() {
    return engine;
  }

  GrpcRequestReader reader() {
    return reader;
  }

  /** The batches of the event loop that asks; null for another thread. */
  @Nullable LoopBatches loop() {
    return loops.current();
  }

  GrpcCallLog log() {
    return log;
  }

  /** Whether answers are packed, which event loops must not do. */
  boolean packs() {
    return packing;
  }

  CodecThreads codecs() {
    return codecs;
  }
}
