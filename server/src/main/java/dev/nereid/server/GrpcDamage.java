package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.protocol.GrpcStatusOf;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.StatusRuntimeException;
import java.io.InputStream;

/**
 * Answers messages that cannot be read as the caller's fault. Left to itself, grpc-java reads a
 * message where nobody can see what becomes of it, and answers UNKNOWN. Thread-safe.
 */
final class GrpcDamage implements ServerInterceptor {
  /** Lets bytes through, so that a message is read within the calls that an interceptor sees. */
  private static final MethodDescriptor.Marshaller<InputStream> UNREAD =
      new MethodDescriptor.Marshaller<>() {
        @Override
        public InputStream stream(InputStream message) {
          return message;
        }

        @Override
        public InputStream parse(InputStream message) {
          return message;
        }
      };

  private GrpcDamage() {}

  /** The same service, which tells its callers what is wrong with their messages. */
  static ServerServiceDefinition told(ServerServiceDefinition service) {
    return ServerInterceptors.intercept(
        ServerInterceptors.useMarshalledMessages(service, UNREAD), new GrpcDamage());
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    return new Listener<>(call, next.startCall(call, headers));
  }

  private static final class Listener<Q> extends SimpleForwardingServerCallListener<Q> {
    private final ServerCall<Q, ?> call;
    private boolean damaged;

    Listener(ServerCall<Q, ?> call, ServerCall.Listener<Q> listener) {
      super(listener);
      this.call = call;
    }

    @Override
    public void onMessage(Q message) {
      if (damaged) {
        return;
      }
      try {
        super.onMessage(message);
      } catch (StatusRuntimeException e) {
        damaged = true;
        Throwable cause = e.getCause() == null ? e : e.getCause();
        String text =
            "message: damaged, cannot be read: %s (expected: the request of %s)"
                .formatted(cause.getMessage(), call.getMethodDescriptor().getFullMethodName());
        call.close(GrpcStatusOf.failure(Fault.INVALID_ARGUMENT.with(text)), new Metadata());
      }
    }

    @Override
    public void onHalfClose() {
      if (!damaged) {
        super.onHalfClose();
      }
    }
  }
}
