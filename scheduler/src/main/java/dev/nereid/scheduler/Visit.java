package dev.nereid.scheduler;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import org.jspecify.annotations.Nullable;

/** A request on its way through the response cache. Owned by one thread or {@link Flight}. */
final class Visit {
  final InferRequest request;
  final long arrivedNanos;

  /** Position among the requests of the model, for answers in order. */
  final long sequence;

  /** When it was known that the cache has no answer. */
  long lookedUpNanos;

  Visit(InferRequest request, long arrivedNanos, long sequence) {
    this.request = request;
    this.arrivedNanos = arrivedNanos;
    this.sequence = sequence;
    lookedUpNanos = arrivedNanos;
  }

  long lookUpNanos() {
    return lookedUpNanos - arrivedNanos;
  }

  /** Why nobody waits for its answer any more; null when somebody does. */
  @Nullable Failure overtaken(long nowNanos) {
    if (request.isCancelled()) {
      return Fault.CANCELLED.with("request was cancelled while it waited");
    }
    if (request.call().deadlineNanos() <= nowNanos) {
      return Fault.DEADLINE_EXCEEDED.with("deadline passed while the request waited");
    }
    return null;
  }
}
