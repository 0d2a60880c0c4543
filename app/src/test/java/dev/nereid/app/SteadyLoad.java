package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferResult;
import dev.nereid.client.InferenceClient;
import dev.nereid.core.Shape;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * The others: who asks the model {@code steady} a hundred times a second over every protocol, and
 * is to be answered, rightly and soon, whatever happens beside.
 */
final class SteadyLoad implements AutoCloseable {
  /** The configuration of the model. */
  static final String MODEL =
      """
      backend: "identity"
      max_batch_size: 8
      input { name: "x" data_type: TYPE_FP32 dims: [ 4 ] }
      output { name: "y" data_type: TYPE_FP32 dims: [ 4 ] }
      """;

  private static final long GAP_NANOS = TimeUnit.MILLISECONDS.toNanos(10);
  private static final long SOON_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final List<InferenceClient> clients;
  private final AtomicInteger sent = new AtomicInteger();
  private final AtomicInteger answered = new AtomicInteger();
  private final AtomicLong slowest = new AtomicLong();
  private final ConcurrentLinkedQueue<String> wrong = new ConcurrentLinkedQueue<>();
  private final Thread sender;
  private volatile boolean ended;

  SteadyLoad(InferenceClient... clients) {
    this.clients = List.of(clients);
    sender = Thread.ofPlatform().daemon().start(this::send);
  }

  private void send() {
    long begin = System.nanoTime();
    for (int i = 0; !ended; i++) {
      LockSupport.parkNanos(begin + i * GAP_NANOS - System.nanoTime());
      float number = i;
      long sentAt = System.nanoTime();
      InferInput input = InferInput.floats("x", Shape.of(1, 4), number, 1, 2, 3);
      sent.incrementAndGet();
      var _ =
          clients
              .get(i % clients.size())
              .infer(InferCall.of("steady", input))
              .whenComplete((result, failure) -> check(number, result, failure, sentAt));
    }
  }

  private void check(float number, InferResult result, Throwable failure, long sentAt) {
    if (failure != null) {
      wrong.add(failure.toString());
    } else if (result.output("y").floats()[0] != number) {
      wrong.add("another's answer");
    }
    slowest.accumulateAndGet(System.nanoTime() - sentAt, Math::max);
    answered.incrementAndGet();
  }

  /** Waits until so many more have been answered. */
  void awaitAnswers(int more) {
    int wanted = answered.get() + more;
    long end = System.nanoTime() + 2 * SOON_NANOS;
    while (answered.get() < wanted && System.nanoTime() < end) {
      LockSupport.parkNanos(1_000_000);
    }
    assertThat(answered.get()).as("answers").isGreaterThanOrEqualTo(wanted);
  }

  /** Ends, and tells whether every request was answered. */
  @Override
  public void close() {
    awaitAnswers(10);
    ended = true;
    assertThat(ended()).as("the sender has ended").isTrue();
    long end = System.nanoTime() + 2 * SOON_NANOS;
    while (answered.get() < sent.get() && System.nanoTime() < end) {
      LockSupport.parkNanos(1_000_000);
    }
    assertThat(wrong).isEmpty();
    assertThat(answered).hasValue(sent.get());
    assertThat(slowest.get()).as("nanoseconds of the slowest answer").isLessThan(SOON_NANOS);
  }

  private boolean ended() {
    try {
      return sender.join(Duration.ofSeconds(20));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
