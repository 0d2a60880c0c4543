package dev.nereid.bench;

import dev.nereid.client.CallFailure;
import dev.nereid.client.InferenceException;
import dev.nereid.client.ModelStatistics;
import dev.nereid.client.RawReply;
import dev.nereid.client.Receiver;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Runs one plan against one target: learns the right replies if they are to be checked, warms up,
 * counts, and lets what is under way end. For one thread.
 */
final class LoadRun {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(15);
  private static final long LEARN_TIMEOUT_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final long TICK_NANOS = TimeUnit.SECONDS.toNanos(1);
  private static final long POLL_MILLIS = 2;

  private final Target target;
  private final LoadPlan plan;
  private final ServerProbe probe;
  private final Consumer<String> progress;
  private final List<LoadResult.Second> series = new ArrayList<>();

  /** What is read at both ends of the counted time. */
  private record Reading(
      List<ModelStatistics> models, ClientCpu client, @Nullable Double serverCpu, long completed) {}

  /** The counted time itself. */
  private record Window(double warmUpSeconds, double seconds, int connections, int unanswered) {}

  /**
   * A run to be started once.
   *
   * @param progress told a line every second
   */
  LoadRun(Target target, LoadPlan plan, ServerProbe probe, Consumer<String> progress) {
    this.target = target;
    this.plan = plan;
    this.probe = probe;
    this.progress = progress;
  }

  LoadResult run() throws InterruptedException {
    ReplyCheck check = plan.verify() ? learn() : ReplyCheck.NONE;
    try (var loop =
        new ClosedLoop(target, check, plan.concurrency(), plan.deadline().toNanos(), plan.seed())) {
      double warmUpSeconds = warmUp(loop);
      if (plan.requests() > 0 && warmUpSeconds > 0) {
        // An exact number needs a fresh start: nothing of the warm-up may be counted.
        var _ = loop.stop(PATIENCE_NANOS);
      }
      boolean started = warmUpSeconds > 0 && plan.requests() == 0;
      Tally tally = new Tally();
      Reading before = begin();
      loop.countInto(tally);
      long start = System.nanoTime();
      if (!started) {
        loop.limit(plan.requests() == 0 ? Long.MAX_VALUE : plan.requests());
        loop.start();
      }
      count(loop, tally, start);
      double seconds = (System.nanoTime() - start) / 1e9;
      Reading after = end(tally);
      loop.countInto(new Tally());
      int connections = target.connections();
      int unanswered = loop.stop(PATIENCE_NANOS);
      return result(
          new Window(warmUpSeconds, seconds, connections, unanswered), tally, before, after);
    }
  }

  /** Asks for every variant once, one after another, and keeps the replies as the right ones. */
  private ReplyCheck learn() {
    ReplyCheck check = target.newCheck();
    for (int variant = 0; variant < target.variants(); variant++) {
      var outcome = new Learnt(check, variant);
      var _ = target.send(variant, 0, LEARN_TIMEOUT_NANOS, outcome);
      CallFailure failure = outcome.join();
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

  /** Runs uncounted; returns how long. */
  private double warmUp(ClosedLoop loop) throws InterruptedException {
    if (plan.warmUp().isZero()) {
      return 0;
    }
    Stability stability = new Stability();
    Tally tally = new Tally();
    loop.countInto(tally);
    long start = System.nanoTime();
    loop.start();
    long fixed = plan.warmUp().isNegative() ? Long.MAX_VALUE : plan.warmUp().toNanos();
    long counted = 0;
    for (long second = 1; System.nanoTime() - start < fixed; second++) {
      sleepUntil(start + Math.min(fixed, second * TICK_NANOS));
      long total = tally.completedCount();
      progress.accept(
          String.format(
              Locale.ROOT,
              "warm-up %3ds  %,10d req/s  errors %,d",
              second,
              total - counted,
              tally.failedCount()));
      if (plan.warmUp().isNegative() && stability.isReachedWith(total - counted)) {
        break;
      }
      counted = total;
    }
    return (System.nanoTime() - start) / 1e9;
  }

  private void count(ClosedLoop loop, Tally tally, long start) throws InterruptedException {
    long end = start + plan.duration().toNanos();
    long failedBefore = 0;
    for (long second = 1; System.nanoTime() < end && !isComplete(tally); second++) {
      long tick = Math.min(end, start + second * TICK_NANOS);
      while (System.nanoTime() < tick && !isComplete(tally)) {
        Thread.sleep(POLL_MILLIS);
      }
      long failed = tally.failedCount();
      var latencies = tally.second();
      var entry =
          new LoadResult.Second(
              latencies.getTotalCount(),
              failed - failedBefore,
              Latencies.quantile(latencies, 0.5),
              Latencies.quantile(latencies, 0.99));
      failedBefore = failed;
      series.add(entry);
      progress.accept(
          String.format(
              Locale.ROOT,
              "%11ds  %,10d req/s  p50 %s  p99 %s  errors %,d  in flight %,d",
              second,
              entry.completed(),
              ReportTable.micros(entry.medianMicros()),
              ReportTable.micros(entry.p99Micros()),
              failed,
              loop.inFlight()));
    }
  }

  private boolean isComplete(Tally tally) {
    return plan.requests() > 0 && tally.completedCount() + tally.failedCount() >= plan.requests();
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
    ClientCpu client = ClientCpu.now();
    return new Reading(models, client, probe.cpuSeconds(), 0);
  }

  /** The processor time is read first, next to the last counted request. */
  private Reading end(Tally tally) {
    Double serverCpu = probe.cpuSeconds();
    long completed = tally.completedCount();
    ClientCpu client = ClientCpu.now();
    return new Reading(probe.statistics(), client, serverCpu, completed);
  }

  private LoadResult result(Window window, Tally tally, Reading before, Reading after) {
    var _ = tally.second();
    long completed = tally.latencies().getTotalCount();
    long answered = Math.max(1, after.completed());
    Double first = before.serverCpu();
    Double last = after.serverCpu();
    return new LoadResult(
        plan,
        window.warmUpSeconds(),
        window.seconds(),
        completed,
        window.unanswered(),
        Latencies.of(tally.latencies()),
        tally.failures(),
        tally.examples(),
        target.meanRequestBytes(),
        (double) tally.replyBytes() / Math.max(1, completed),
        window.connections(),
        List.copyOf(series),
        delta(before.models(), after.models()),
        first == null || last == null ? null : (last - first) * 1e6 / answered,
        (after.client().processNanos() - before.client().processNanos()) / 1e3 / answered,
        after.client().busiestLoopSince(before.client()));
  }

  private static List<ModelStatistics> delta(
      List<ModelStatistics> before, List<ModelStatistics> after) {
    Map<String, ModelStatistics> earlier = new HashMap<>();
    before.forEach(model -> earlier.put(model.name() + "/" + model.version(), model));
    return after.stream()
        .map(model -> minus(model, earlier.get(model.name() + "/" + model.version())))
        .filter(model -> model.success().count() + model.fail().count() + model.executions() > 0)
        .toList();
  }

  private static ModelStatistics minus(ModelStatistics model, @Nullable ModelStatistics earlier) {
    return earlier == null ? model : model.minus(earlier);
  }
}
