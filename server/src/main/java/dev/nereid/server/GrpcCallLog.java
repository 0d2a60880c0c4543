package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.core.Ticker;
import dev.nereid.core.Timings;
import dev.nereid.core.TraceSpan;
import dev.nereid.http.AccessLine;
import dev.nereid.http.AccessLog;
import dev.nereid.http.ServerTiming;
import dev.nereid.protocol.GrpcStatusOf;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import dev.nereid.telemetry.PhaseHistograms;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;

/** Tells of inferences over gRPC that have ended: where their time went, and their line. */
final class GrpcCallLog {
  private static final String LISTENER = "grpc";
  private static final SocketAddress UNKNOWN = new InetSocketAddress(0);
  private static final Metadata.Key<String> SERVER_TIMING =
      Metadata.Key.of("server-timing", Metadata.ASCII_STRING_MARSHALLER);

  private final PhaseHistograms phases = new PhaseHistograms(Meter.REQUEST_PHASE_SECONDS);
  private final AccessLog log;
  private final Ticker ticker;

  GrpcCallLog(Metrics metrics, AccessLog log, Ticker ticker) {
    this.log = log;
    this.ticker = ticker;
    metrics.register(sink -> phases.collect(sink, LISTENER));
  }

  /**
   * What is known of a call at its end.
   *
   * @param model that it names, or a dash
   * @param version that answered; -1 when none did
   * @param bytesIn of its message
   * @param bytes of the answer
   * @param over whether the call is closed already
   * @param span of it; null for no trace
   */
  record Ended(
      String model,
      long version,
      String id,
      long receivedNanos,
      long bytesIn,
      long bytes,
      Timings timings,
      boolean over,
      @Nullable TraceSpan span) {}

  /**
   * Closes a call, counts it and tells of it.
   *
   * <p>Its trailers tell the timing when it went through an ensemble; a small model's answer would
   * cost a tenth more by them. Those of a failure tell the fault.
   *
   * @param fault that the status stands for; null for an answer, and where there is none
   */
  void close(ServerCall<?, ?> call, Status status, @Nullable Fault fault, Ended ended) {
    long now = ticker.nanos();
    long nanos = now - ended.receivedNanos;
    Timings timings = ended.timings;
    long encodeNanos = timings.isKnown() ? now - timings.ended() : 0;
    Metadata trailers = new Metadata();
    if (fault != null) {
      GrpcStatusOf.tell(fault, trailers);
    }
    if (timings.isKnown()) {
      phases.observe(timings, encodeNanos);
      if (!timings.steps().isEmpty()) {
        trailers.put(SERVER_TIMING, ServerTiming.text(timings, encodeNanos, nanos));
      }
    }
    boolean cancelled = ended.over || call.isCancelled();
    if (!cancelled) {
      call.close(status, trailers);
    }
    Status told = cancelled ? Status.CANCELLED : status;
    if (ended.span != null) {
      GrpcTrace.end(ended.span, call, told, ended, now);
    }
    if (log.wants(nanos)) {
      log.add(line(call, told, ended, nanos, encodeNanos));
    }
  }

  private static AccessLine line(
      ServerCall<?, ?> call, Status status, Ended ended, long nanos, long encodeNanos) {
    SocketAddress client = call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR);
    return new AccessLine(
        System.currentTimeMillis(),
        client == null ? UNKNOWN : client,
        "ModelInfer",
        ended.model,
        status.getCode().name(),
        ended.bytesIn,
        ended.bytes,
        nanos,
        ended.id,
        ended.timings,
        encodeNanos,
        GrpcCallers.nameOf(call),
        ended.model.equals("-") ? "" : ended.model,
        ended.version,
        ended.span == null ? "" : ended.span.traceId());
  }
}
