package dev.nereid.bench;

import dev.nereid.client.CallFailure;
import dev.nereid.client.RawReply;
import dev.nereid.client.Receiver;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Requests at intended times, whether the server keeps up or not. Latency runs from the intended
 * time: a request that had to wait in this tool waited for the server all the same. Every request
 * that was intended in a phase counts in that phase, however late its answer.
 *
 * <p>On every event loop sits a pacer with its share of the times, so that a request is sent from
 * the thread that will hear the answer.
 */
final class OpenLoop implements Driver {
  private static final int SENT_IN_ONE_GO = 64;
  private static final long BLOCKED_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
  private static final int MAX_IN_FLIGHT = 20_000;

  private final Target target;
  private final ReplyCheck check;
  private final LoadPlan plan;
  private final long patienceNanos;
  private final AtomicInteger inFlight = new AtomicInteger();
  private final int[] shuffled;
  private final SplittableRandom random;
  private Phase phase = new Phase(new Tally(1), 0, 0, 0); // confined: controller

  /** A time during which all that is intended counts into one tally. */
  private static final class Phase {
    final Tally tally;
    final long base;
    final long endNanos;
    final AtomicLong budget;
    final List<Pacer> pacers = new ArrayList<>();
    volatile boolean open = true;

    Phase(Tally tally, long base, long endNanos, long requests) {
      this.tally = tally;
      this.base = base;
      this.endNanos = endNanos;
      this.budget = new AtomicLong(requests == 0 ? Long.MAX_VALUE : requests);
    }

    boolean isDone() {
      return pacers.stream().allMatch(pacer -> pacer.done);
    }
  }

  OpenLoop(Target target, ReplyCheck check, LoadPlan plan, long patienceNanos) {
    this.target = target;
    this.check = check;
    this.plan = plan;
    this.patienceNanos = patienceNanos;
    this.random = new SplittableRandom(plan.seed());
    this.shuffled = Order.shuffle(target.variants(), random);
  }

  @Override
  public void warmUp(Tally tally) {
    Load steady =
        switch (plan.load()) {
          case Load.Open(Profile perSecond, boolean poisson) ->
              new Load.Open(new Profile.Constant(perSecond.first()), poisson);
          case Load.Replay _, Load.Closed _ ->
              new Load.Open(new Profile.Constant(plan.load().rate()), true);
        };
    begin(steady, new Phase(tally, System.nanoTime(), Arrivals.NEVER, 0));
  }

  @Override
  public void measure(Tally tally) {
    phase.open = false;
    begin(
        plan.load(),
        new Phase(tally, System.nanoTime(), plan.duration().toNanos(), plan.requests()));
  }

  private void begin(Load load, Phase next) {
    List<ScheduledExecutorService> loops = target.loops().executors();
    for (int i = 0; i < loops.size(); i++) {
      Arrivals arrivals =
          switch (load) {
            case Load.Open open -> Arrivals.at(open, i, loops.size(), random.split());
            case Load.Replay replay -> Arrivals.of(replay, i, loops.size());
            case Load.Closed closed ->
                throw new IllegalArgumentException("load: " + closed + " (expected: an open one)");
          };
      next.pacers.add(new Pacer(next, loops.get(i), arrivals, i));
    }
    phase = next;
    next.pacers.forEach(pacer -> pacer.loop.execute(pacer));
  }

  @Override
  public double level(long elapsedNanos) {
    return plan.load() instanceof Load.Open(Profile perSecond, boolean _)
        ? perSecond.at(elapsedNanos / 1e9)
        : plan.load().rate();
  }

  @Override
  public int inFlight() {
    return inFlight.get();
  }

  @Override
  public boolean isExhausted() {
    return phase.isDone() && inFlight.get() == 0;
  }

  @Override
  public Remainder finish() throws InterruptedException {
    long until = System.nanoTime() + patienceNanos;
    while (!isExhausted() && System.nanoTime() < until) {
      Thread.sleep(1);
    }
    phase.open = false;
    long unsent = 0;
    for (Pacer pacer : phase.pacers) {
      unsent += onItsLoop(pacer);
    }
    return new Remainder(inFlight.get(), unsent);
  }

  private static long onItsLoop(Pacer pacer) throws InterruptedException {
    try {
      return pacer.loop.submit(pacer::abandon).get();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
  }

  @Override
  public void close() {
    phase.open = false;
  }

  /** Sends one event loop's share. Confined to that loop. */
  private final class Pacer implements Runnable {
    final ScheduledExecutorService loop;
    volatile boolean done;
    private final Phase own;
    private final Arrivals arrivals;
    private final int stride;
    private final Order order;
    private final SplittableRandom shares;
    private int lane;
    private long next;

    Pacer(Phase own, ScheduledExecutorService loop, Arrivals arrivals, int index) {
      this.own = own;
      this.loop = loop;
      this.arrivals = arrivals;
      this.lane = index;
      this.stride = target.loops().threads();
      this.order = new Order(shuffled, random);
      this.shares = random.split();
      this.next = arrivals.next();
    }

    @Override
    public void run() {
      for (int sent = 0; sent < SENT_IN_ONE_GO; sent++) {
        if (!own.open || next > own.endNanos || next == Arrivals.NEVER) {
          done = true;
          return;
        }
        long wait = own.base + next - System.nanoTime();
        if (wait > 0 || inFlight.get() >= MAX_IN_FLIGHT) {
          var _ = loop.schedule(this, wait > 0 ? wait : BLOCKED_NANOS, TimeUnit.NANOSECONDS);
          return;
        }
        if (own.budget.getAndDecrement() <= 0) {
          done = true;
          return;
        }
        send();
        next = arrivals.next();
      }
      loop.execute(this);
    }

    private void send() {
      int variant = arrivals.variant();
      int share = arrivals.share();
      var shot =
          new Shot(
              own,
              own.base + next,
              variant < 0 ? order.next() : variant % target.variants(),
              share < 0
                  ? plan.mix().pick(shares.nextDouble())
                  : share % plan.mix().shares().size());
      inFlight.incrementAndGet();
      own.tally.sentLate(System.nanoTime() - shot.intended);
      var _ = target.send(shot.share, shot.variant, lane, shot);
      lane = Math.floorMod(lane + stride, Integer.MAX_VALUE - stride);
    }

    /** How many were intended before the end and never sent. */
    long abandon() {
      if (done || own.endNanos == Arrivals.NEVER) {
        return 0;
      }
      long end = Math.min(own.endNanos, System.nanoTime() - own.base);
      long count = 0;
      while (next <= end && next != Arrivals.NEVER && own.budget.getAndDecrement() > 0) {
        count++;
        next = arrivals.next();
      }
      return count;
    }
  }

  /** One request. */
  private final class Shot implements Receiver {
    private final Phase own;
    private final long intended;
    private final int variant;
    private final int share;

    Shot(Phase own, long intended, int variant, int share) {
      this.own = own;
      this.intended = intended;
      this.variant = variant;
      this.share = share;
    }

    @Override
    public void received(RawReply reply) {
      long nanos = System.nanoTime() - intended;
      if (check.matches(variant, reply)) {
        own.tally.completed(share, nanos, reply.body().readableBytes());
      } else {
        own.tally.wrong(share);
      }
      inFlight.decrementAndGet();
    }

    @Override
    public void failed(CallFailure failure) {
      own.tally.failed(share, failure);
      inFlight.decrementAndGet();
    }
  }
}
