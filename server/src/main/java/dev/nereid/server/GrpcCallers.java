package dev.nereid.server;

import dev.nereid.access.AccessControl;
import dev.nereid.access.Caller;
import dev.nereid.access.Credentials;
import dev.nereid.access.Decision.Admitted;
import dev.nereid.access.Decision.Refused;
import dev.nereid.access.Denial;
import io.grpc.ForwardingServerCall.SimpleForwardingServerCall;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Grpc;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;

/** Asks who calls, once, before a call's first message is read. Thread-safe. */
final class GrpcCallers implements ServerInterceptor {
  private static final String LISTENER = "grpc";
  private static final Metadata.Key<String> AUTHORIZATION = key(Credentials.AUTHORIZATION);
  private static final Metadata.Key<String> API_KEY = key(Credentials.API_KEY);

  /** What clients of gRPC look at before they try again. */
  private static final Metadata.Key<String> RETRY = key("grpc-retry-pushback-ms");

  private final AccessControl access;

  GrpcCallers(AccessControl access) {
    this.access = access;
  }

  /** A call whose caller is known. */
  static final class KnownCall<Q, A> extends SimpleForwardingServerCall<Q, A> {
    private final Caller caller;

    KnownCall(ServerCall<Q, A> call, Caller caller) {
      super(call);
      this.caller = caller;
    }
  }

  /** The name of who makes a call; empty when nobody was asked. */
  static String nameOf(ServerCall<?, ?> call) {
    return call instanceof KnownCall<?, ?> known ? known.caller.name() : "";
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    Credentials shown =
        Credentials.of(all(headers, AUTHORIZATION), all(headers, API_KEY), subject(call));
    String method = String.valueOf(call.getMethodDescriptor().getBareMethodName());
    return switch (access.decide(shown, V2Needs.ofMethod(method))) {
      case Admitted(Caller caller) -> begin(call, headers, next, caller);
      case Refused refused -> {
        refuse(call, refused);
        yield new ServerCall.Listener<>() {};
      }
    };
  }

  private static <Q, A> ServerCall.Listener<Q> begin(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next, Caller caller) {
    ServerCall.Listener<Q> begun;
    try {
      begun = next.startCall(new KnownCall<>(call, caller), headers);
    } catch (RuntimeException e) {
      caller.left();
      throw e;
    }
    return new SimpleForwardingServerCallListener<>(begun) {
      @Override
      public void onComplete() {
        caller.left();
        super.onComplete();
      }

      @Override
      public void onCancel() {
        caller.left();
        super.onCancel();
      }
    };
  }

  private void refuse(ServerCall<?, ?> call, Refused refused) {
    access.refused(LISTENER, refused.denial());
    Metadata trailers = new Metadata();
    if (refused.denial().kind() == Denial.Kind.LIMITED) {
      long millis = TimeUnit.NANOSECONDS.toMillis(refused.retryNanos()) + 1;
      trailers.put(RETRY, Long.toString(millis));
    }
    Status status =
        switch (refused.denial().kind()) {
          case MALFORMED -> Status.INVALID_ARGUMENT;
          case UNAUTHENTICATED -> Status.UNAUTHENTICATED;
          case FORBIDDEN -> Status.PERMISSION_DENIED;
          case LIMITED -> Status.RESOURCE_EXHAUSTED;
          case UNAVAILABLE -> Status.UNAVAILABLE;
        };
    call.close(status.withDescription(refused.detail()), trailers);
  }

  private static List<String> all(Metadata headers, Metadata.Key<String> key) {
    Iterable<String> values = headers.getAll(key);
    List<String> all = new ArrayList<>(1);
    if (values != null) {
      values.forEach(all::add);
    }
    return all;
  }

  private static @Nullable X500Principal subject(ServerCall<?, ?> call) {
    SSLSession session = call.getAttributes().get(Grpc.TRANSPORT_ATTR_SSL_SESSION);
    try {
      return session != null && session.getPeerPrincipal() instanceof X500Principal subject
          ? subject
          : null;
    } catch (SSLPeerUnverifiedException e) {
      return null;
    }
  }

  private static Metadata.Key<String> key(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
