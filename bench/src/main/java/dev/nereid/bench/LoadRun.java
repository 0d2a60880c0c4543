package dev.nereid.bench;

import dev.nereid.client.CallFailure;
import dev.nereid.client.InferenceException;
import dev.nereid.client.ModelStatistics;
import dev.nereid.client.RawReply;
import dev.nereid.client.Receiver;
import dev.nereid.client.Traffic;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Runs one plan against one target: learns the right replies if they are to be checked, warms up,
 * counts, and lets what is under way end. For one thread.
 */
final class LoadRun {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(15);
  private static final long TICK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long NANOS_PER_MILLI = TimeUnit.MILLISECONDS.toNanos(1);
  private static final long POLL_MILLIS = 2;

  /** Where nothing has to be caught in time: a thread that wakes up costs as much as a request. */
  private static final long IDLE_POLL_MILLIS = 50;

  private final Target target;
  private final LoadPlan plan;
  private final ServerProbe probe;
  private final Progress progress;
  private final List<LoadResult.Second> series = new ArrayList<>();
  private int streams;

  /** What is read at both ends of the counted time. */
  record Reading(
      List<ModelStatistics> models,
      ClientCpu client,
      ServerProbe.Reading server,
      Traffic traffic,
      long completed,
      long answered) {}

  /** A run to be started once. */
  LoadRun(Target target, LoadPlan plan, ServerProbe probe, Progress progress) {
    this.target = target;
    this.plan = plan;
    this.probe = probe;
    this.progress = progress;
  }

  LoadResult run() throws InterruptedException {
    ReplyCheck check = plan.verify() ? learn() : ReplyCheck.NONE;
    try (Driver driver = driver(check)) {
      LoadResult.WarmUp warmUp = warmUp(driver);
      Tally tally = new Tally(plan.mix().shares().size());
      var cpu = new CpuSampler(probe, tally::completedCount);
      driver.settle();
      Reading before = begin();
      long start = System.nanoTime();
      driver.measure(tally);
      count(driver, tally, cpu, start);
      double seconds = (System.nanoTime() - start) / 1e9;
      Reading after = end(tally);
      Driver.Remainder rest = driver.finish();
      var _ = tally.second();
      return new Outcome(plan, tally, before, after, series)
          .result(warmUp, seconds, rest, cpu.slices(), (double) target.meanRequestBytes(), streams);
    }
  }

  private Driver driver(ReplyCheck check) {
    return switch (plan.load()) {
      case Load.Closed(Profile clients) ->
          new ClosedLoop(target, check, plan, clients, PATIENCE_NANOS);
      case Load.Open _, Load.Replay _ -> new OpenLoop(target, check, plan, PATIENCE_NANOS);
    };
  }

  /** Asks for every variant once, one after another, and keeps the replies as the right ones. */
  private ReplyCheck learn() {
    ReplyCheck check = target.newCheck();
    for (int variant = 0; variant < target.variants(); variant++) {
      var outcome = new Learnt(check, variant);
      var _ = target.send(0, variant, 0, outcome);
      CallFailure failure = outcome.orTimeout(30, TimeUnit.SECONDS).join();
      if (failure != null) {
        throw new InferenceException(failure);
      }
    }
    return check;
  }

  private static final class Learnt extends CompletableFuture<@Nullable CallFailure>
      implements Receiver {
    private final ReplyCheck check;
    private final int variant;

    Learnt(ReplyCheck check, int variant) {
      this.check = check;
      this.variant = variant;
    }

    @Override
    public void received(RawReply reply) {
      try {
        check.learn(variant, reply);
        complete(null);
      } catch (RuntimeException e) {
        completeExceptionally(e);
      }
    }

    @Override
    public void failed(CallFailure failure) {
      complete(failure);
    }
  }

  /** Runs uncounted; says what that showed. */
  private LoadResult.WarmUp warmUp(Driver driver) throws InterruptedException {
    if (plan.warmUp().isZero()) {
      return new LoadResult.WarmUp(0, true, 0, 0, null, null, List.of());
    }
    List<ModelStatistics> models = probe.statistics();
    var stability = new Stability(plan.load() instanceof Load.Closed);
    boolean fixed = !plan.warmUp().isNegative();
    Tally tally = new Tally(plan.mix().shares().size());
    long start = System.nanoTime();
    driver.warmUp(tally);
    long end = fixed ? start + plan.warmUp().toNanos() : Long.MAX_VALUE;
    long failed = 0;
    for (long tick = start; tick < end; ) {
      long last = tick;
      tick = Math.min(end, tick + TICK_NANOS);
      sleepUntil(tick);
      Histogram latencies = tally.second();
      progress.show(
          new Progress.Tick(
              plan,
              true,
              (tick - start) / 1e9,
              fixed ? plan.warmUp().toNanos() / 1e9 : Double.POSITIVE_INFINITY,
              second((tick - last) / 1e9, driver, latencies, tally.failedCount() - failed),
              tally.failedCount()));
      failed = tally.failedCount();
      if (!fixed && stability.isReachedWith(latencies)) {
        break;
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return new LoadResult.WarmUp(
        seconds,
        fixed || stability.isSettled(),
        tally.completedCount(),
        tally.failedCount(),
        tally.firstNanos() == 0 ? null : tally.firstNanos() / 1e3,
        tally.completedCount() == 0 ? null : tally.latencies().getMaxValue() / 1e3,
        Outcome.delta(models, probe.statistics()));
  }

  private void count(Driver driver, Tally tally, CpuSampler cpu, long start)
      throws InterruptedException {
    long end = start + plan.duration().toNanos();
    long poll = isSteady() ? IDLE_POLL_MILLIS : POLL_MILLIS;
    long failed = 0;
    cpu.ask();
    for (long tick = start; tick < end && !isComplete(driver, tally); ) {
      long from = System.nanoTime();
      tick = Math.min(end, tick + TICK_NANOS);
      while (System.nanoTime() < tick && !isComplete(driver, tally)) {
        driver.adjust(System.nanoTime() - start);
        streams = Math.max(streams, driver.inFlight());
        Thread.sleep(Math.clamp((tick - System.nanoTime()) / NANOS_PER_MILLI + 1, 1, poll));
      }
      Histogram latencies = tally.second();
      long now = System.nanoTime();
      long failedNow = tally.failedCount();
      cpu.ask();
      LoadResult.Second second = second((now - from) / 1e9, driver, latencies, failedNow - failed);
      second = second.with(driver.level(now - start - TICK_NANOS / 2), cpu.latest());
      failed = failedNow;
      series.add(second);
      progress.show(
          new Progress.Tick(
              plan, false, (now - start) / 1e9, plan.duration().toNanos() / 1e9, second, failed));
    }
  }

  /** Whether a run is ended by time alone, and always as many are in flight. */
  private boolean isSteady() {
    return plan.load() instanceof Load.Closed(Profile.Constant _)
        && plan.requests() == 0
        && !plan.inOrder();
  }

  private boolean isComplete(Driver driver, Tally tally) {
    return plan.requests() > 0
        ? tally.completedCount() + tally.failedCount() >= plan.requests()
        : driver.isExhausted();
  }

  private static LoadResult.Second second(
      double seconds, Driver driver, Histogram latencies, long failed) {
    boolean any = latencies.getTotalCount() > 0;
    return new LoadResult.Second(
        seconds,
        driver.level(0),
        latencies.getTotalCount(),
        failed,
        driver.inFlight(),
        any ? latencies.getMean() / 1e3 : null,
        Latencies.quantile(latencies, 0.5),
        Latencies.quantile(latencies, 0.99),
        any ? latencies.getMaxValue() / 1e3 : null,
        null);
  }

  private static void sleepUntil(long nanos) throws InterruptedException {
    long left = nanos - System.nanoTime();
    if (left > 0) {
      TimeUnit.NANOSECONDS.sleep(left);
    }
  }

  /** The processor time is read last, next to the first counted request. */
  private Reading begin() {
    List<ModelStatistics> models = probe.statistics();
    ServerProbe.Reading server = probe.read();
    return new Reading(models, ClientCpu.now(), server, target.loops().traffic(), 0, 0);
  }

  /** The processor time is read first, next to the last counted request. */
  private Reading end(Tally tally) {
    ClientCpu client = ClientCpu.now();
    Traffic traffic = target.loops().traffic();
    long completed = tally.completedCount();
    ServerProbe.Reading server = probe.read();
    return new Reading(
        probe.statistics(), client, server, traffic, completed, tally.completedCount());
  }
}
