package dev.nereid.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * One figure of one load in two reports.
 *
 * @param load which one
 * @param ratio the second over the first
 * @param interval of the ratio with 95 % confidence, or null
 * @param limit the worst ratio that is allowed
 */
record Comparison(
    String load,
    String figure,
    double before,
    double after,
    double ratio,
    @Nullable Interval interval,
    double limit) {
  /** Figures of which more is better. */
  private static final Set<String> GAINS = Set.of("throughput");

  /** A mean of one or several runs, and half the width of its interval. */
  private record Figure(double value, @Nullable Double half) {}

  /**
   * Compares what both reports have.
   *
   * @param limits by figure, how much worse in parts of one it may become
   */
  static List<Comparison> of(JsonNode before, JsonNode after, Map<String, Double> limits) {
    Map<String, List<JsonNode>> first = byLoad(before);
    Map<String, List<JsonNode>> second = byLoad(after);
    List<Comparison> all = new ArrayList<>();
    for (var entry : first.entrySet()) {
      List<JsonNode> others = second.get(entry.getKey());
      if (others != null) {
        limits.forEach(
            (figure, limit) -> {
              Comparison one = of(entry.getKey(), figure, entry.getValue(), others, limit);
              if (one != null) {
                all.add(one);
              }
            });
      }
    }
    return all;
  }

  private static Map<String, List<JsonNode>> byLoad(JsonNode report) {
    Map<String, List<JsonNode>> all = new LinkedHashMap<>();
    String target =
        report.path("target").path("protocol").asString("")
            + " "
            + report.path("target").path("model").asString("");
    for (JsonNode run : report.path("runs")) {
      JsonNode plan = run.path("plan");
      String name = plan.path("load").asString(plan.path("concurrency").asString("?"));
      all.computeIfAbsent((target + " " + name).strip(), _ -> new ArrayList<>()).add(run);
    }
    return all;
  }

  private static @Nullable Comparison of(
      String load, String figure, List<JsonNode> first, List<JsonNode> second, double limit) {
    Figure a = figure(first, figure);
    Figure b = figure(second, figure);
    if (a == null || b == null || a.value <= 0 || b.value <= 0) {
      return null;
    }
    double ratio = b.value / a.value;
    Interval interval = null;
    if (a.half != null && b.half != null) {
      // Relative errors of a quotient add as squares; on the scale of logarithms both ends are
      // true.
      double spread = Math.hypot(a.half / a.value, b.half / b.value);
      interval = new Interval(ratio * Math.exp(-spread), ratio * Math.exp(spread));
    }
    double allowed = GAINS.contains(figure) ? 1 - limit : 1 + limit;
    return new Comparison(load, figure, a.value, b.value, ratio, interval, allowed);
  }

  private static @Nullable Figure figure(List<JsonNode> runs, String name) {
    List<Double> values = new ArrayList<>();
    for (JsonNode run : runs) {
      JsonNode value = run.has(name) ? run.path(name) : run.path("latency").path(name);
      if (!value.isNumber()) {
        return null;
      }
      values.add(value.doubleValue());
    }
    double mean = values.stream().mapToDouble(Double::doubleValue).average().orElse(0);
    if (runs.size() > 1) {
      double squares = values.stream().mapToDouble(v -> (v - mean) * (v - mean)).sum();
      int n = runs.size();
      return new Figure(mean, Interval.student(n - 1) * Math.sqrt(squares / (n - 1) / n));
    }
    JsonNode within = runs.getFirst().path("intervals").path(name);
    return new Figure(
        mean,
        within.isArray()
            ? (within.path(1).doubleValue() - within.path(0).doubleValue()) / 2
            : null);
  }

  /** Whether it became worse by more than is allowed, and by more than chance explains. */
  boolean isRegression() {
    boolean gain = GAINS.contains(figure);
    boolean past = gain ? ratio < limit : ratio > limit;
    boolean chance = interval != null && (gain ? interval.high() >= 1 : interval.low() <= 1);
    return past && !chance;
  }

  /** Whether it is past the limit, and chance may explain that. */
  boolean isDoubtful() {
    return !isRegression() && (GAINS.contains(figure) ? ratio < limit : ratio > limit);
  }
}
