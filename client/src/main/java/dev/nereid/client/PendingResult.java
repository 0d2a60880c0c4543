package dev.nereid.client;

import java.util.concurrent.CompletableFuture;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** A future for the decoded outcome of one call; cancelling it cancels the call. */
final class PendingResult<T> extends CompletableFuture<T> implements Receiver {
  private final Function<RawReply, T> decoder;
  private volatile @Nullable InFlight inFlight;

  PendingResult(Function<RawReply, T> decoder) {
    this.decoder = decoder;
  }

  /** Says what to cancel; called once, after the call is sent. */
  PendingResult<T> sentAs(InFlight sent) {
    inFlight = sent;
    if (isCancelled()) {
      sent.cancel();
    }
    return this;
  }

  @Override
  @SuppressWarnings("CatchingUnchecked") // whatever decoding throws belongs to who waits
  public void received(RawReply reply) {
    try {
      complete(decoder.apply(reply));
    } catch (RuntimeException e) {
      completeExceptionally(e);
    }
  }

  @Override
  public void failed(CallFailure failure) {
    completeExceptionally(new InferenceException(failure));
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean cancelled = super.cancel(mayInterruptIfRunning);
    InFlight sent = inFlight;
    if (cancelled && sent != null) {
      sent.cancel();
    }
    return cancelled;
  }
}
