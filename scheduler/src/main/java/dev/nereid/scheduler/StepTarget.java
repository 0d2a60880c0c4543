package dev.nereid.scheduler;

import dev.nereid.core.InferRequest;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * A model as an ensemble's step sees it. Thread-safe; never blocks.
 *
 * <p>Looked up by name for each batch of requests, so that a reloaded model is met in its new form.
 */
@FunctionalInterface
public interface StepTarget {
  /** Takes requests over; each gets its outcome, refusals too. */
  void submit(List<InferRequest> requests);

  /** As {@link ModelScheduler#identify}; what is always the same has nothing to tell. */
  default void identify(LongConsumer loads) {}
}
