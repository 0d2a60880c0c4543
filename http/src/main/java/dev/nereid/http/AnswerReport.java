package dev.nereid.http;

import dev.nereid.core.Timings;
import dev.nereid.core.TraceSpan;
import java.net.SocketAddress;

/** Tells metrics and access log of an answer. */
final class AnswerReport {
  private AnswerReport() {}

  /**
   * An answer was given to the channel, whole.
   *
   * @param bytes of its body
   */
  static void tell(
      HttpListener listener, SocketAddress client, HttpExchange exchange, int status, long bytes) {
    long now = listener.ticker().nanos();
    long nanos = now - exchange.receivedNanos();
    Timings timings = exchange.timings();
    long encodeNanos = timings.isKnown() ? now - timings.ended() : 0;
    listener.metrics().answered(status, exchange.bodyLength(), bytes, nanos);
    if (timings.isKnown()) {
      listener.metrics().phases(timings, encodeNanos);
    }
    TraceSpan span = exchange.span;
    if (span != null) {
      RequestTrace.answered(span, exchange, status, bytes, now);
    }
    if (listener.accessLog().wants(nanos)) {
      listener
          .accessLog()
          .add(
              new AccessLine(
                  System.currentTimeMillis(),
                  client,
                  exchange.method(),
                  exchange.path(),
                  ResponseEncoder.statusText(status),
                  exchange.bodyLength(),
                  bytes,
                  nanos,
                  exchange.requestId(),
                  timings,
                  encodeNanos,
                  exchange.callerName(),
                  exchange.model,
                  exchange.version,
                  span == null ? "" : span.traceId()));
    }
  }
}
