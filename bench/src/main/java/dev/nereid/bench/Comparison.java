package dev.nereid.bench;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.TreeMap;
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

  /** Members of the target that say what was asked for. */
  private static final List<String> WHAT = List.of("protocol", "model", "route", "template");

  /** Those that say how, and what is usual. */
  private static final SortedMap<String, String> HOW =
      new TreeMap<>(Map.of("batch", "1", "channels", "shared", "form", "multipart"));

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
    String target = target(report.path("target"));
    for (JsonNode run : report.path("runs")) {
      JsonNode plan = run.path("plan");
      String name = plan.path("load").asString(plan.path("concurrency").asString("?"));
      all.computeIfAbsent((target + " " + name).strip(), _ -> new ArrayList<>()).add(run);
    }
    return all;
  }

  /**
   * What was pressed and how, apart from where it was: two reports of the same are of the same
   * load. What is usual is not said, so that reports that do not tell it are taken as usual.
   */
  private static String target(JsonNode target) {
    StringJoiner text = new StringJoiner(" ");
    for (String name : WHAT) {
      String value = target.path(name).asString("");
      if (!value.isEmpty()) {
        text.add(value);
      }
    }
    HOW.forEach(
        (name, usual) -> {
          String value = target.path(name).asString(usual);
          if (!value.equals(usual)) {
            text.add(name + "=" + value);
          }
        });
    return text.toString();
  }

  /** The loads of a report, for those who wonder why none is in another. */
  static Set<String> loads(JsonNode report) {
    return byLoad(report).keySet();
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
