package dev.nereid.backend;

import dev.nereid.core.Failure;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Reply;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what became of a request, for a test to look at. Closing it closes the response. Outcomes
 * may come from any thread; a second one is counted and fails whoever looks.
 */
public final class RecordingReply implements Reply, AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  private final CountDownLatch done = new CountDownLatch(1);
  private final AtomicInteger outcomes = new AtomicInteger();
  private volatile @Nullable InferResponse response;
  private volatile @Nullable Failure failure;

  @Override
  public void respond(InferResponse answer) {
    outcomes.incrementAndGet();
    response = answer;
    done.countDown();
  }

  @Override
  public void fail(Failure reason) {
    outcomes.incrementAndGet();
    failure = reason;
    done.countDown();
  }

  /** Whether there is an outcome now. */
  public boolean isDone() {
    return done.getCount() == 0;
  }

  /** Waits for an outcome, whichever it is. */
  public RecordingReply await() {
    try {
      if (!done.await(PATIENCE.toNanos(), TimeUnit.NANOSECONDS)) {
        throw new AssertionError("reply: no outcome within " + PATIENCE);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("reply: interrupted while waiting", e);
    }
    if (outcomes.get() != 1) {
      throw new AssertionError("reply: " + outcomes + " outcomes (expected: 1)");
    }
    return this;
  }

  /** Waits for the response; an error if the request failed. It stays this reply's to close. */
  public InferResponse response() {
    await();
    InferResponse answer = response;
    if (answer == null) {
      throw new AssertionError("reply: " + failure + " (expected: a response)");
    }
    return answer;
  }

  /** Waits for the failure; an error if the request was answered. */
  public Failure failure() {
    await();
    Failure reason = failure;
    if (reason == null) {
      throw new AssertionError("reply: a response (expected: a failure)");
    }
    return reason;
  }

  @Override
  public void close() {
    InferResponse answer = response;
    if (answer != null) {
      answer.close();
    }
  }
}
