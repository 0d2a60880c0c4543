package dev.nereid.bench;

import dev.nereid.client.ModelStatistics;
import dev.nereid.client.Traffic;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/** Several runs of one plan as one: all that was completed, over all the time it took. */
final class MergedResult {
  private MergedResult() {}

  /**
   * Merges closed loops without classes.
   *
   * @param runs at least one, of the same plan
   */
  static LoadResult of(List<LoadResult> runs) {
    LoadResult merged = runs.getFirst();
    for (LoadResult next : runs.subList(1, runs.size())) {
      merged = of(merged, next);
    }
    return merged;
  }

  private static LoadResult of(LoadResult a, LoadResult b) {
    Histogram histogram = a.histogram().copy();
    histogram.add(b.histogram());
    TreeMap<String, Long> failures = new TreeMap<>();
    TreeMap<String, String> examples = new TreeMap<>();
    for (LoadResult each : List.of(a, b)) {
      each.failures().forEach((kind, count) -> failures.merge(kind, count, Long::sum));
      each.examples().forEach(examples::putIfAbsent);
    }
    List<LoadResult.Second> series = new ArrayList<>(a.series());
    series.addAll(b.series());
    return new LoadResult(
        a.plan(),
        warmUp(a.warmUp(), b.warmUp()),
        window(a.window(), b.window()),
        Latencies.of(histogram),
        failures,
        examples,
        null,
        List.of(),
        wire(a, b),
        cost(a, b),
        Outcome.intervals(
            histogram, series, Outcome.slices(series, LoadResult.Second::serverCpuMicros)),
        series,
        models(a.models(), b.models()),
        PhaseTimes.sum(a.phases(), b.phases()),
        histogram);
  }

  private static LoadResult.WarmUp warmUp(LoadResult.WarmUp a, LoadResult.WarmUp b) {
    Double worst = a.worstMicros();
    if (worst == null || (b.worstMicros() != null && b.worstMicros() > worst)) {
      worst = b.worstMicros();
    }
    return new LoadResult.WarmUp(
        a.seconds() + b.seconds(),
        a.settled() && b.settled(),
        a.completed() + b.completed(),
        a.failed() + b.failed(),
        a.firstMicros() == null ? b.firstMicros() : a.firstMicros(),
        worst,
        models(a.models(), b.models()));
  }

  private static LoadResult.Window window(LoadResult.Window a, LoadResult.Window b) {
    return new LoadResult.Window(
        a.seconds() + b.seconds(),
        a.completed() + b.completed(),
        a.late() + b.late(),
        a.unanswered() + b.unanswered(),
        a.unsent() + b.unsent());
  }

  private static LoadResult.Wire wire(LoadResult a, LoadResult b) {
    Traffic first = a.wire().traffic();
    Traffic second = b.wire().traffic();
    return new LoadResult.Wire(
        byRequest(a, a.wire().requestBytes(), b, b.wire().requestBytes()),
        byRequest(a, a.wire().replyBytes(), b, b.wire().replyBytes()),
        new Traffic(
            first.bytesOut() + second.bytesOut(),
            first.bytesIn() + second.bytesIn(),
            first.connectionsOpened() + second.connectionsOpened(),
            second.connectionsOpen()),
        Math.max(a.wire().streams(), b.wire().streams()));
  }

  private static LoadResult.Cost cost(LoadResult a, LoadResult b) {
    LoadResult.Cost first = a.cost();
    LoadResult.Cost second = b.cost();
    Double server =
        first.server() == null || second.server() == null
            ? null
            : (Double) byRequest(a, first.server(), b, second.server());
    return new LoadResult.Cost(
        server,
        byRequest(a, first.client(), b, second.client()),
        byRequest(a, first.clientThreads(), b, second.clientThreads()),
        (first.busiestLoop() * a.seconds() + second.busiestLoop() * b.seconds())
            / (a.seconds() + b.seconds()));
  }

  /** The mean over all requests of both. */
  private static double byRequest(LoadResult a, double of, LoadResult b, double and) {
    long both = a.completed() + b.completed();
    return both == 0 ? (of + and) / 2 : (of * a.completed() + and * b.completed()) / both;
  }

  private static List<ModelStatistics> models(List<ModelStatistics> a, List<ModelStatistics> b) {
    Map<String, ModelStatistics> all = new LinkedHashMap<>();
    a.forEach(model -> all.put(model.name() + "/" + model.version(), model));
    b.forEach(
        model -> all.merge(model.name() + "/" + model.version(), model, ModelStatistics::plus));
    return List.copyOf(all.values());
  }
}
