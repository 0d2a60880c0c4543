package dev.nereid.scheduler;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import java.time.Duration;
import java.util.List;
import java.util.function.LongConsumer;

/**
 * Takes the requests of one version of a model and sees to their outcome.
 *
 * <p><b>Threading.</b> Thread-safe; {@link #submit} never blocks.
 */
public interface ModelScheduler extends AutoCloseable {
  /** What a request is told that comes when no more are taken. */
  Failure STOPPING =
      Fault.NOT_READY.with(
          "Server is stopping, scheduler for model has stopped accepting new inference requests");

  /** How long {@link #close} waits for what runs. */
  Duration CLOSE_PATIENCE = Duration.ofSeconds(30);

  /**
   * Takes requests over, in this order. Each gets its outcome, refusals too.
   *
   * @return false when it drains and therefore took none of them: they stay the caller's
   */
  boolean submit(List<InferRequest> requests);

  /**
   * Takes requests over as {@link #submit} does, but may run them before it returns where that is
   * known to take no longer than some tens of microseconds: less than to hand them over. For event
   * loops; outcomes given meanwhile must not submit more.
   */
  default boolean submitInline(List<InferRequest> requests) {
    return submit(requests);
  }

  /** Requests taken whose execution has not started. */
  int pending();

  /** Drops requests that were cancelled or whose time is over. Called now and then. */
  default void sweep() {}

  /**
   * Tells the number of this load, which no other load of a model ever has, and of those it hands
   * requests on to. While they stay the same, equal requests are answered by the same models.
   *
   * @throws dev.nereid.core.FaultException when one of them cannot serve now
   */
  void identify(LongConsumer loads);

  /** Takes no more requests and waits for those taken; false when some were left at the end. */
  boolean drain(Duration atMost) throws InterruptedException;

  /**
   * Takes no more requests, fails those waiting, lets running ones finish, and frees everything.
   */
  @Override
  void close();
}
