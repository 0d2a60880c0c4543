package dev.nereid.server;

import dev.nereid.core.Ticker;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Refuses calls, in Triton's words, that come while the listener drains. Those of the first moments
 * are served all the same: their clients had not heard yet that it does. Questions after health are
 * answered to the end. Thread-safe.
 */
final class GrpcEnding implements ServerInterceptor {
  /** Longer than any client takes to be told. */
  private static final Duration TELLING = Duration.ofSeconds(1);

  private static final Status REFUSAL =
      Status.UNAVAILABLE.withDescription("GRPC server is shutting down, it takes no more calls");

  private final Ticker ticker;
  private volatile @Nullable Long begunNanos;

  GrpcEnding(Ticker ticker) {
    this.ticker = ticker;
  }

  /** The listener begins to drain. */
  void begin() {
    begunNanos = ticker.nanos();
  }

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    Long begun = begunNanos;
    if (begun == null || ticker.nanos() - begun < TELLING.toNanos() || isHealth(call)) {
      return next.startCall(call, headers);
    }
    call.close(REFUSAL, new Metadata());
    return new ServerCall.Listener<>() {};
  }

  private static boolean isHealth(ServerCall<?, ?> call) {
    String method = String.valueOf(call.getMethodDescriptor().getBareMethodName());
    return Api.ofMethod(method) == Api.HEALTH;
  }
}
