package dev.nereid.bench;

import dev.nereid.client.CallFailure;
import dev.nereid.client.RawReply;
import dev.nereid.client.Receiver;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A fixed number of callers, each of which sends its next request when the last one is answered.
 * Callers go through the variants in orders of their own, so that they do not move in step.
 *
 * <p><b>Threading.</b> The callers live on the clients' event loops; the methods here are for one
 * controlling thread.
 */
final class ClosedLoop implements AutoCloseable {
  /** How long a caller waits after a failure that came without asking the server. */
  private static final long BACKOFF_MILLIS = 10;

  private final Target target;
  private final ReplyCheck check;
  private final long timeoutNanos;
  private final List<Caller> callers = new ArrayList<>();
  private final AtomicInteger inFlight = new AtomicInteger();
  private final AtomicLong budget = new AtomicLong(Long.MAX_VALUE);
  private final ScheduledExecutorService backoff;
  private volatile Tally tally = new Tally();
  private volatile boolean running;

  /**
   * A loop at rest.
   *
   * @param seed decides every caller's order
   */
  ClosedLoop(Target target, ReplyCheck check, int concurrency, long timeoutNanos, long seed) {
    this.target = target;
    this.check = check;
    this.timeoutNanos = timeoutNanos;
    this.backoff =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("bench-backoff").factory());
    SplittableRandom random = new SplittableRandom(seed);
    int[] shuffled = Order.shuffle(target.variants(), random);
    for (int i = 0; i < concurrency; i++) {
      callers.add(new Caller(i, new Order(shuffled, random)));
    }
  }

  /** Counts into that tally from now on. */
  void countInto(Tally next) {
    tally = next;
  }

  /** Lets so many more requests be sent. */
  void limit(long requests) {
    budget.set(requests);
  }

  void start() {
    running = true;
    callers.forEach(Caller::next);
  }

  int inFlight() {
    return inFlight.get();
  }

  /** Sends nothing more, and waits for what is under way; returns how many remain unanswered. */
  int stop(long patienceNanos) throws InterruptedException {
    running = false;
    long until = System.nanoTime() + patienceNanos;
    while (inFlight.get() > 0 && System.nanoTime() < until) {
      Thread.sleep(1);
    }
    return inFlight.get();
  }

  @Override
  public void close() {
    running = false;
    backoff.shutdownNow();
  }

  /** One client of the closed loop. Its fields are handed from callback to callback. */
  private final class Caller implements Receiver {
    private final int lane;
    private final Order order;
    private int variant;
    private long sentNanos;

    Caller(int lane, Order order) {
      this.lane = lane;
      this.order = order;
    }

    void next() {
      if (!running || budget.getAndDecrement() <= 0) {
        return;
      }
      variant = order.next();
      inFlight.incrementAndGet();
      sentNanos = System.nanoTime();
      var _ = target.send(variant, lane, timeoutNanos, this);
    }

    @Override
    public void received(RawReply reply) {
      long nanos = System.nanoTime() - sentNanos;
      Tally into = tally;
      if (check.matches(variant, reply)) {
        into.completed(nanos, reply.body().readableBytes());
      } else {
        into.wrong();
      }
      inFlight.decrementAndGet();
      next();
    }

    @Override
    public void failed(CallFailure failure) {
      tally.failed(failure);
      inFlight.decrementAndGet();
      if (failure.kind() == CallFailure.Kind.SERVER) {
        next();
      } else if (running) {
        // Such a failure may be told before send returns: sending at once would recurse and spin.
        var _ = backoff.schedule(this::next, BACKOFF_MILLIS, TimeUnit.MILLISECONDS);
      }
    }
  }
}
