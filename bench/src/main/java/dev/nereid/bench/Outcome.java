package dev.nereid.bench;

import dev.nereid.client.ModelStatistics;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Makes a result of what was counted.
 *
 * @param tally with all its latencies collected
 */
record Outcome(
    LoadPlan plan,
    Tally tally,
    LoadRun.Reading before,
    LoadRun.Reading after,
    List<LoadResult.Second> series) {

  LoadResult result(
      LoadResult.WarmUp warmUp,
      double seconds,
      Driver.Remainder rest,
      List<Double> serverCpu,
      double requestBytes,
      int streams) {
    Histogram histogram = tally.latencies().copy();
    long all = histogram.getTotalCount();
    return new LoadResult(
        plan,
        warmUp,
        new LoadResult.Window(
            seconds,
            after.completed(),
            Math.max(0, all - after.completed()),
            rest.unanswered(),
            rest.unsent()),
        Latencies.of(histogram),
        tally.failures(),
        tally.examples(),
        plan.load() instanceof Load.Closed ? null : Latencies.of(tally.lag()),
        shares(),
        new LoadResult.Wire(
            requestBytes,
            (double) tally.replyBytes() / Math.max(1, all),
            after.traffic().since(before.traffic()),
            streams),
        cost(),
        intervals(histogram, series, serverCpu),
        List.copyOf(series),
        delta(before.models(), after.models()),
        PhaseTimes.delta(before.server().phases(), after.server().phases()),
        histogram);
  }

  private List<LoadResult.ShareResult> shares() {
    List<LoadResult.ShareResult> all = new ArrayList<>();
    List<Mix.Share> shares = plan.mix().shares();
    for (int i = 0; i < shares.size() && shares.size() > 1; i++) {
      all.add(
          new LoadResult.ShareResult(
              shares.get(i).label(), Latencies.of(tally.latencies(i)), tally.failedCount(i)));
    }
    return all;
  }

  private LoadResult.Cost cost() {
    Double first = before.server().cpuSeconds();
    Double last = after.server().cpuSeconds();
    long done = Math.max(1, after.completed());
    ClientCpu client = after.client();
    return new LoadResult.Cost(
        first == null || last == null ? null : (last - first) * 1e6 / Math.max(1, after.answered()),
        (client.processNanos() - before.client().processNanos()) / 1e3 / done,
        client.loopsSince(before.client()) / 1e3 / done,
        client.busiestLoopSince(before.client()));
  }

  /** How steady the seconds were; those that were cut short do not count. */
  static LoadResult.Intervals intervals(
      Histogram histogram, List<LoadResult.Second> series, List<Double> serverCpu) {
    List<LoadResult.Second> whole = series.stream().filter(s -> s.seconds() > 0.5).toList();
    return new LoadResult.Intervals(
        Interval.ofMean(whole.stream().map(s -> s.completed() / s.seconds()).toList()),
        Interval.ofMean(slices(whole, LoadResult.Second::meanMicros)),
        Interval.ofQuantile(histogram, 0.5, slices(whole, LoadResult.Second::medianMicros)),
        Interval.ofQuantile(histogram, 0.9, List.of()),
        Interval.ofQuantile(histogram, 0.99, slices(whole, LoadResult.Second::p99Micros)),
        Interval.ofMean(serverCpu));
  }

  /** That figure of the seconds that have it. */
  static List<Double> slices(
      List<LoadResult.Second> seconds, Function<LoadResult.Second, @Nullable Double> figure) {
    List<Double> all = new ArrayList<>();
    for (LoadResult.Second second : seconds) {
      Double value = figure.apply(second);
      if (value != null) {
        all.add(value);
      }
    }
    return all;
  }

  /** What the server counted between two readings, for every model that ran. */
  static List<ModelStatistics> delta(List<ModelStatistics> before, List<ModelStatistics> after) {
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
