package dev.nereid.engine;

import dev.nereid.core.Failure;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Reply;
import java.util.List;

/**
 * One try to load a version. Whoever waits for it may give it up: its warm-up requests count as
 * cancelled then, so that a back end that looks can end early. Thread-safe.
 */
final class LoadAttempt {
  private final InferRequest parent;

  LoadAttempt(String model, long nowNanos) {
    parent =
        new InferRequest(InferRequest.Call.of(model, nowNanos), List.of(), List.of(), Nobody.WAITS);
  }

  /** Nobody waits for it any more. */
  void giveUp() {
    parent.cancel();
  }

  boolean isGivenUp() {
    return parent.isCancelled();
  }

  /** The request on whose behalf warm-up requests are made. */
  InferRequest parent() {
    return parent;
  }

  /** Takes outcomes that nobody asks for. */
  enum Nobody implements Reply {
    WAITS;

    @Override
    public void respond(InferResponse response) {
      response.close();
    }

    @Override
    public void fail(Failure failure) {}
  }
}
