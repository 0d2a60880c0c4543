package dev.nereid.http;

import dev.nereid.core.Failure;
import dev.nereid.core.Phase;
import dev.nereid.core.Timings;
import dev.nereid.core.TraceSpan;
import dev.nereid.core.Tracer;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.List;
import java.util.Locale;

/** Begins and ends the spans of requests over HTTP, in OpenTelemetry's words for them. */
final class RequestTrace {
  /** From this status on it is the server that failed. */
  static final int SERVER_FAILED = 500;

  /** As in the metrics: the client closed the connection before its answer. */
  private static final int CLIENT_LEFT = 499;

  private static final String STATUS = "http.response.status_code";

  private RequestTrace() {}

  /** Begins the span of a request that was admitted; of two parents none is believed. */
  static void begin(Tracer tracer, HttpExchange exchange, SocketAddress client) {
    List<String> parents = exchange.headers().getAll("traceparent");
    TraceSpan span =
        tracer.begin(
            exchange.method(),
            parents.size() == 1 ? parents.getFirst() : null,
            exchange.headers().getAll("tracestate"),
            exchange.receivedNanos());
    if (span.isRecorded()) {
      span.tell("http.request.method", exchange.method());
      span.tell("url.path", exchange.path());
      if (client instanceof InetSocketAddress inet && inet.getAddress() != null) {
        span.tell("client.address", inet.getAddress().getHostAddress());
      }
    }
    exchange.span = span;
  }

  /** Its body is here, whole. */
  static void arrived(HttpExchange exchange) {
    TraceSpan span = exchange.span;
    if (span != null) {
      span.child("receive", exchange.receivedNanos()).end();
    }
  }

  /** It was answered. */
  static void answered(
      TraceSpan span, HttpExchange exchange, int status, long bytes, long nowNanos) {
    if (span.isRecorded()) {
      Timings timings = exchange.timings();
      if (timings.isKnown()) {
        span.child(Phase.ENCODE.word(), timings.ended()).end(nowNanos);
      }
      tell(span, exchange);
      span.tell(STATUS, status);
      span.tell("http.request.body.size", exchange.bodyLength());
      span.tell("http.response.body.size", bytes);
      if (status >= SERVER_FAILED) {
        span.fail(ResponseEncoder.statusText(status), "");
      }
    }
    span.end(nowNanos);
  }

  private static void tell(TraceSpan span, HttpExchange exchange) {
    if (!exchange.route.isEmpty()) {
      span.name(exchange.method() + " " + exchange.route);
      span.tell("http.route", exchange.route);
    }
    if (!exchange.requestId().isEmpty()) {
      span.tell("triton.request_id", exchange.requestId());
    }
    if (!exchange.callerName().isEmpty()) {
      span.tell("nereid.caller", exchange.callerName());
    }
  }

  /** It fails, by the server's fault where the status says so. */
  static void failed(HttpExchange exchange, int status, Failure failure) {
    TraceSpan span = exchange.span;
    if (span != null && status >= SERVER_FAILED) {
      span.fail(failure.fault().name().toLowerCase(Locale.ROOT), failure.message());
    }
  }

  /** Nobody waits for its answer any more. */
  static void abandoned(HttpExchange exchange) {
    TraceSpan span = exchange.span;
    if (span != null) {
      span.tell(STATUS, CLIENT_LEFT);
      span.fail("cancelled", "the client left before its answer");
      span.end();
    }
  }
}
