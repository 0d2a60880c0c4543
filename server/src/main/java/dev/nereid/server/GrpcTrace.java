package dev.nereid.server;

import dev.nereid.core.Phase;
import dev.nereid.core.TraceSpan;
import dev.nereid.core.Tracer;
import dev.nereid.telemetry.ModelSpans;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.Status;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Begins and ends the spans of inferences over gRPC, in OpenTelemetry's words for them. */
final class GrpcTrace {
  private static final Metadata.Key<String> PARENT = key("traceparent");
  private static final Metadata.Key<String> STATE = key("tracestate");

  private GrpcTrace() {}

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }

  /** Begins the span of a call whose headers have come; of two parents none is believed. */
  static TraceSpan begin(Tracer tracer, ServerCall<?, ?> call, Metadata headers, long nowNanos) {
    List<String> parents = all(headers, PARENT);
    MethodDescriptor<?, ?> method = call.getMethodDescriptor();
    TraceSpan span =
        tracer.begin(
            method.getFullMethodName(),
            parents.size() == 1 ? parents.getFirst() : null,
            all(headers, STATE),
            nowNanos);
    if (span.isRecorded()) {
      span.tell("rpc.system", "grpc");
      span.tell("rpc.service", String.valueOf(method.getServiceName()));
      span.tell("rpc.method", String.valueOf(method.getBareMethodName()));
      if (call.getAttributes().get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR)
              instanceof InetSocketAddress inet
          && inet.getAddress() != null) {
        span.tell("client.address", inet.getAddress().getHostAddress());
      }
    }
    return span;
  }

  private static List<String> all(Metadata headers, Metadata.Key<String> key) {
    Iterable<String> values = headers.getAll(key);
    if (values == null) {
      return List.of();
    }
    List<String> all = new ArrayList<>(1);
    values.forEach(all::add);
    return all;
  }

  /** The call was closed. */
  static void end(
      TraceSpan span,
      ServerCall<?, ?> call,
      Status status,
      GrpcCallLog.Ended ended,
      long nowNanos) {
    if (span.isRecorded()) {
      if (ended.timings().isKnown()) {
        ModelSpans.add(span, ended.model(), ended.version(), ended.timings());
        span.child(Phase.ENCODE.word(), ended.timings().ended()).end(nowNanos);
      }
      span.tell("rpc.grpc.status_code", status.getCode().value());
      if (!ended.id().isEmpty()) {
        span.tell("triton.request_id", ended.id());
      }
      String caller = GrpcCallers.nameOf(call);
      if (!caller.isEmpty()) {
        span.tell("nereid.caller", caller);
      }
      if (isFailure(status.getCode())) {
        String why = status.getDescription();
        span.fail(status.getCode().name().toLowerCase(Locale.ROOT), why == null ? "" : why);
      }
    }
    span.end(nowNanos);
  }

  /** Whether the server, and not the client, made it fail; who left is told as well. */
  private static boolean isFailure(Status.Code code) {
    return switch (code) {
      case UNKNOWN, CANCELLED, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS ->
          true;
      case OK,
          INVALID_ARGUMENT,
          NOT_FOUND,
          ALREADY_EXISTS,
          PERMISSION_DENIED,
          RESOURCE_EXHAUSTED,
          FAILED_PRECONDITION,
          ABORTED,
          OUT_OF_RANGE,
          UNAUTHENTICATED ->
          false;
    };
  }
}
