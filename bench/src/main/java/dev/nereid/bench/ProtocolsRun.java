package dev.nereid.bench;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import dev.nereid.client.InferenceException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.node.ObjectNode;

/** Measures the points of a protocol comparison. For one thread. */
final class ProtocolsRun implements AutoCloseable {
  private static final double SAME = 0.9999;
  private static final int CHECKED_BATCH = 2;
  private static final int WARM_UP_CALLERS = 4;
  private static final int PROTOCOL_CALLERS = 8;

  private final ProtocolWays ways;
  private final ProtocolsPlan plan;
  private final Consumer<String> log;
  private final Map<String, String> unequal = new TreeMap<>();
  private final Map<String, Double> imagesPerSecond = new HashMap<>();

  /** The answer of the first way, which all others are compared with. */
  private static final class Reference {
    private final String way;
    private final double[] vectors;

    Reference(String way, double[] vectors) {
      this.way = way;
      this.vectors = vectors;
    }
  }

  ProtocolsRun(ProtocolWays ways, ProtocolsPlan plan, Consumer<String> log) {
    this.ways = ways;
    this.plan = plan;
    this.log = log;
  }

  /**
   * Asks every way once and compares: only ways that give the same vectors are compared.
   *
   * @return what is wrong with each that does not
   */
  Map<String, String> checkAnswers(List<ProtocolCell> cells) {
    Map<String, Reference> references = new HashMap<>();
    Set<String> seen = new HashSet<>();
    for (ProtocolCell cell : cells) {
      String way = ProtocolWays.of(cell);
      if (!seen.add(way)) {
        continue;
      }
      try {
        double[] vectors = ask(cell);
        // All forms of a picture have one answer, and so has each tensor.
        String asked = cell.payload() == Payload.TENSOR ? cell.form() : "picture";
        Reference to = references.computeIfAbsent(asked, _ -> new Reference(way, vectors));
        double cosine = leastCosine(to.vectors, vectors);
        log("%-28s cosine %.6f to %s", way, cosine, to.way);
        if (cosine < SAME) {
          unequal.put(way, String.format(Locale.ROOT, "cosine %.4f to %s", cosine, to.way));
        }
      } catch (InferenceException | IllegalArgumentException e) {
        log("%-28s %s", way, e.getMessage());
        unequal.put(way, String.valueOf(e.getMessage()));
      }
    }
    return unequal;
  }

  private double[] ask(ProtocolCell like) {
    CellTarget asked = ways.to(like.onLoopback(CHECKED_BATCH, 1));
    try (Target target = asked.open()) {
      return asked.vectors(OneCall.to(target, 0).reply());
    }
  }

  /** Of all rows, the cosine of the two that differ most; 0 where even the sizes differ. */
  static double leastCosine(double[] a, double[] b) {
    if (a.length != b.length || a.length == 0) {
      return 0;
    }
    int width = a.length / CHECKED_BATCH;
    double least = 1;
    for (int from = 0; from + width <= a.length; from += width) {
      double dot = 0;
      double aa = 0;
      double bb = 0;
      for (int i = from; i < from + width; i++) {
        dot += a[i] * b[i];
        aa += a[i] * a[i];
        bb += b[i] * b[i];
      }
      least = Math.min(least, dot / Math.sqrt(aa * bb));
    }
    return least;
  }

  /**
   * Measures what is not in the store yet, as far as the budget suffices. Points are kept together
   * with those they are compared with, or not at all.
   *
   * @return how many are left
   */
  int measure(List<ProtocolCell> cells, CellStore store) throws IOException, InterruptedException {
    long start = System.nanoTime();
    List<ProtocolCell> open =
        cells.stream()
            .filter(cell -> !store.has(cell.id()) && !unequal.containsKey(ProtocolWays.of(cell)))
            .toList();
    warmUp(open);
    var clock = new BudgetClock(start, plan.budget());
    List<List<ProtocolCell>> groups = List.copyOf(compared(open).values());
    double estimated = groups.stream().mapToDouble(this::estimate).sum();
    log(
        "%d points in %d groups, about %.1f min; budget %.1f min",
        open.size(), groups.size(), estimated / 60, plan.budget().toMillis() / 60e3);
    int left = 0;
    for (List<ProtocolCell> group : groups) {
      double seconds = estimate(group);
      if (!clock.hasFor(seconds)) {
        left += group.size();
        continue;
      }
      long begun = System.nanoTime();
      for (ObjectNode measured : new ForthAndBack(ways, plan).measure(group)) {
        store.add(measured);
        tell(measured);
      }
      clock.took(seconds, (System.nanoTime() - begun) / 1e9);
      estimated -= seconds;
      log(
          "about %.1f min to go",
          Math.max(0, Math.min(clock.minutesLeft(), clock.minutesFor(estimated))));
    }
    if (left > 0) {
      log("left out, because the budget does not suffice: %d points", left);
    }
    return left;
  }

  /** Points that are compared with each other, in the order of the first of each group. */
  private static Map<String, List<ProtocolCell>> compared(List<ProtocolCell> cells) {
    Map<String, List<ProtocolCell>> groups = new LinkedHashMap<>();
    for (ProtocolCell cell : cells) {
      String at =
          String.join(
              "/",
              cell.link().name(),
              "b" + cell.batch(),
              "c" + cell.concurrency(),
              "t" + cell.tensorBytes(),
              "" + ProtocolMatrix.isDirect(cell));
      groups.computeIfAbsent(at, _ -> new ArrayList<>()).add(cell);
    }
    return groups;
  }

  private double estimate(List<ProtocolCell> group) {
    double seconds = 0;
    for (ProtocolCell cell : group) {
      double speed = imagesPerSecond.getOrDefault(ProtocolWays.of(cell), Double.POSITIVE_INFINITY);
      seconds += ForthAndBack.estimate(cell, plan, speed);
    }
    return seconds;
  }

  private void tell(ObjectNode measured) {
    String id = measured.path("cell").asString("");
    if (measured.has("error")) {
      log("%-44s %s", id, measured.path("error").asString(""));
      return;
    }
    log(
        "%-44s %,9.1f %s/s (forth %,.1f, back %,.1f)",
        id,
        measured.path("images_per_second").doubleValue(),
        measured.has("tensor_bytes") ? "rows" : "images",
        measured.path("halves").path(0).doubleValue(),
        measured.path("halves").path(1).doubleValue());
  }

  /** Presses each protocol with small requests, which are many, and forgets what that showed. */
  private void warmUpProtocols(List<ProtocolCell> cells) throws InterruptedException {
    Set<String> seen = new HashSet<>();
    for (ProtocolCell cell : cells) {
      String name = cell.target() + "/" + cell.route().id();
      if (cell.route().isRest() || plan.warmUpModel().isEmpty() || !seen.add(name)) {
        continue;
      }
      LoadPlan load = LoadPlan.closed(PROTOCOL_CALLERS, Duration.ZERO, plan.warmUp());
      try (Target target = ways.small(cell, plan.warmUpModel()).open(load)) {
        LoadResult result = new LoadRun(target, load, ways.probe(cell), Progress.NONE).run();
        log(
            "%-28s warmed up, %,.0f requests/s of %s",
            name, result.throughput(), plan.warmUpModel());
      } catch (InferenceException e) {
        log("%-28s not warmed up with %s: %s", name, plan.warmUpModel(), e.getMessage());
      }
    }
  }

  /**
   * Presses every way that is still to be measured, on loopback, with the least and the most
   * pictures at once, and forgets what that showed but for its speed.
   */
  private void warmUp(List<ProtocolCell> cells) throws InterruptedException {
    if (plan.warmUp().isZero()) {
      return;
    }
    warmUpProtocols(cells);
    Map<String, List<ProtocolCell>> byWay = new LinkedHashMap<>();
    cells.forEach(c -> byWay.computeIfAbsent(ProtocolWays.of(c), _ -> new ArrayList<>()).add(c));
    for (var way : byWay.entrySet()) {
      ProtocolCell like = way.getValue().getFirst();
      int least = way.getValue().stream().mapToInt(ProtocolCell::batch).min().orElse(1);
      int most = way.getValue().stream().mapToInt(ProtocolCell::batch).max().orElse(1);
      double speed = press(like.onLoopback(least, WARM_UP_CALLERS), plan.warmUp().dividedBy(2));
      speed =
          Math.max(
              speed, press(like.onLoopback(most, WARM_UP_CALLERS), plan.warmUp().dividedBy(2)));
      log("%-28s warmed up, %,.1f images/s", way.getKey(), speed);
      if (speed > 0) {
        imagesPerSecond.put(way.getKey(), speed);
      }
    }
  }

  private double press(ProtocolCell cell, Duration time) throws InterruptedException {
    LoadPlan load = LoadPlan.closed(cell.concurrency(), Duration.ZERO, time);
    try (Target target = ways.to(cell).open()) {
      LoadResult result = new LoadRun(target, load, ways.probe(cell), Progress.NONE).run();
      return cell.batch() * result.throughput();
    }
  }

  @FormatMethod
  private void log(@FormatString String pattern, @Nullable Object... values) {
    log.accept(String.format(Locale.ROOT, pattern, values));
  }

  @Override
  public void close() {
    ways.close();
  }
}
