package dev.nereid.server;

import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.Locale;

/** Refuses calls that need a key and do not show it. Thread-safe. */
final class GrpcGuard implements ServerInterceptor {
  private static final String PREFIX = "triton-grpc-protocol-";

  private final Restrictions restrictions;

  GrpcGuard(Restrictions restrictions) {
    this.restrictions = restrictions;
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    String method = String.valueOf(call.getMethodDescriptor().getBareMethodName());
    Restrictions.Key key = restrictions.of(Api.ofMethod(method));
    if (key == null) {
      return next.startCall(call, headers);
    }
    String header = PREFIX + key.header().toLowerCase(Locale.ROOT);
    String shown = headers.get(Metadata.Key.of(header, Metadata.ASCII_STRING_MARSHALLER));
    if (key.isOpenedBy(shown)) {
      return next.startCall(call, headers);
    }
    call.close(
        Status.UNAVAILABLE.withDescription(
            "This protocol is restricted, expecting header '" + header + "'"),
        new Metadata());
    return new ServerCall.Listener<>() {};
  }
}
