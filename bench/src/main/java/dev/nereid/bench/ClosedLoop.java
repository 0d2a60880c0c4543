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
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Callers, each of which sends its next request when the last one is answered. They go through the
 * variants in orders of their own, so that they do not move in step. How many of them are at work
 * follows the profile; the others rest.
 */
final class ClosedLoop implements Driver {
  /** How long a caller waits after a failure that came without asking the server. */
  private static final long BACKOFF_MILLIS = 10;

  private final Target target;
  private final ReplyCheck check;
  private final LoadPlan plan;
  private final Profile profile;
  private final long patienceNanos;
  private final List<Caller> callers = new ArrayList<>();
  private final AtomicInteger inFlight = new AtomicInteger();
  private final AtomicLong budget = new AtomicLong(Long.MAX_VALUE);
  private final AtomicLong inOrder = new AtomicLong();
  private final ScheduledExecutorService backoff;
  private volatile Tally tally = new Tally(1);
  private volatile int active;
  private volatile boolean running;

  ClosedLoop(Target target, ReplyCheck check, LoadPlan plan, Profile profile, long patienceNanos) {
    this.target = target;
    this.check = check;
    this.plan = plan;
    this.profile = profile;
    this.patienceNanos = patienceNanos;
    this.backoff =
        new ScheduledThreadPoolExecutor(
            1, Thread.ofPlatform().daemon().name("bench-backoff").factory());
    SplittableRandom random = new SplittableRandom(plan.seed());
    int[] shuffled = Order.shuffle(target.variants(), random);
    for (int i = 0; i < (int) Math.ceil(profile.most()); i++) {
      callers.add(new Caller(i, new Order(shuffled, random), random.split()));
    }
  }

  @Override
  public void warmUp(Tally into) {
    tally = into;
    start((int) Math.ceil(profile.first()));
  }

  /** An exact number needs a fresh start: nothing of the warm-up may be counted. */
  @Override
  public void settle() throws InterruptedException {
    long requests = plan.inOrder() && plan.requests() == 0 ? target.variants() : plan.requests();
    if (requests > 0) {
      stop();
      budget.set(requests);
      inOrder.set(0);
    }
  }

  @Override
  public void measure(Tally into) {
    tally = into;
    int wanted = (int) Math.ceil(profile.at(0));
    if (running) {
      wake(wanted);
    } else {
      start(wanted);
    }
  }

  private void start(int wanted) {
    running = true;
    callers.forEach(caller -> caller.resting.set(true));
    wake(wanted);
  }

  private void wake(int wanted) {
    active = wanted;
    for (int i = 0; i < wanted; i++) {
      callers.get(i).wake();
    }
  }

  @Override
  public void adjust(long elapsedNanos) {
    int wanted = (int) Math.ceil(level(elapsedNanos));
    if (wanted != active) {
      wake(wanted);
    }
  }

  @Override
  public double level(long elapsedNanos) {
    return profile.at(elapsedNanos / 1e9);
  }

  @Override
  public int inFlight() {
    return inFlight.get();
  }

  @Override
  public boolean isExhausted() {
    return budget.get() <= 0 && inFlight.get() == 0;
  }

  @Override
  public Remainder finish() throws InterruptedException {
    tally = new Tally(plan.mix().shares().size());
    return new Remainder(stop(), 0);
  }

  private int stop() throws InterruptedException {
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
    final AtomicBoolean resting = new AtomicBoolean(true);
    private final int lane;
    private final Order order;
    private final SplittableRandom random;
    private int variant;
    private int share;
    private long sentNanos;

    Caller(int lane, Order order, SplittableRandom random) {
      this.lane = lane;
      this.order = order;
      this.random = random;
    }

    void wake() {
      if (resting.compareAndSet(true, false)) {
        next();
      }
    }

    private void next() {
      if (lane >= active) {
        resting.set(true);
        if (lane >= active || !resting.compareAndSet(true, false)) {
          return;
        }
      }
      if (!running || budget.getAndDecrement() <= 0) {
        return;
      }
      variant =
          plan.inOrder() ? (int) (inOrder.getAndIncrement() % target.variants()) : order.next();
      share = plan.mix().shares().size() == 1 ? 0 : plan.mix().pick(random.nextDouble());
      inFlight.incrementAndGet();
      sentNanos = System.nanoTime();
      var _ = target.send(share, variant, lane, this);
    }

    @Override
    public void received(RawReply reply) {
      long nanos = System.nanoTime() - sentNanos;
      Tally into = tally;
      if (check.matches(variant, reply)) {
        into.completed(share, nanos, reply.body().readableBytes());
      } else {
        into.wrong(share);
      }
      inFlight.decrementAndGet();
      next();
    }

    @Override
    public void failed(CallFailure failure) {
      tally.failed(share, failure);
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
