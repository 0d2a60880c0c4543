package dev.nereid.bench;

import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import dev.nereid.client.InferenceException;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import tools.jackson.databind.node.ObjectNode;

/** Measures the cells of a protocol comparison, one after another. For one thread. */
final class ProtocolsRun implements AutoCloseable {
  private static final double SAME = 0.9999;
  private static final int CHECKED_BATCH = 2;
  private static final int WARM_UP_CALLERS = 4;
  private static final int MOST_REQUESTS = 20_000;
  private static final long LONGEST_WARM_UP_NANOS = 2_000_000_000L;
  private static final long SLOW_NANOS = 500_000_000L;

  private final Map<String, ProtocolTarget> targets;
  private final ProtocolsPlan plan;
  private final Pictures pictures;
  private final Consumer<String> log;
  private final EventLoops probeLoops = EventLoops.of(1);
  private final Map<String, ServerProbe> probes = new HashMap<>();
  private final Map<String, ShapingProxy> proxies = new HashMap<>();
  private final Map<String, String> unequal = new TreeMap<>();

  /**
   * How the cells are measured.
   *
   * @param models by payload, and the name of their input
   * @param cellSeconds each is measured for about so long
   * @param iterations requests for each cell instead; 0 for none
   * @param warmUp for each way before the first cell, so that none is measured while the server's
   *     compilers still work for it; zero for none
   * @param budget ends it all
   */
  record ProtocolsPlan(
      Map<Payload, Input> models,
      double cellSeconds,
      int iterations,
      Duration warmUp,
      Duration budget) {
    /** Where a payload goes. */
    record Input(String model, String input) {}
  }

  ProtocolsRun(
      List<ProtocolTarget> targets, ProtocolsPlan plan, Pictures pictures, Consumer<String> log) {
    this.targets = new HashMap<>();
    targets.forEach(target -> this.targets.put(target.name(), target));
    this.plan = plan;
    this.pictures = pictures;
    this.log = log;
  }

  /**
   * Asks every way once and compares: only ways that give the same vectors are compared.
   *
   * @return what is wrong with each that does not
   */
  Map<String, String> checkAnswers(List<ProtocolCell> cells) {
    double[] reference = null;
    String of = "";
    List<String> seen = new ArrayList<>();
    for (ProtocolCell cell : cells) {
      String way = way(cell);
      if (seen.contains(way)) {
        continue;
      }
      seen.add(way);
      try {
        double[] vectors = ask(cell);
        if (reference == null) {
          reference = vectors;
          of = way;
        }
        double cosine = leastCosine(reference, vectors);
        log.accept(String.format(Locale.ROOT, "%-28s cosine %.6f to %s", way, cosine, of));
        if (cosine < SAME) {
          unequal.put(way, String.format(Locale.ROOT, "cosine %.4f to %s", cosine, of));
        }
      } catch (InferenceException | IllegalArgumentException e) {
        log.accept(String.format(Locale.ROOT, "%-28s %s", way, e.getMessage()));
        unequal.put(way, String.valueOf(e.getMessage()));
      }
    }
    return unequal;
  }

  private static String way(ProtocolCell cell) {
    return cell.target() + "/" + cell.route().id() + "/" + cell.payload().label();
  }

  private double[] ask(ProtocolCell like) {
    ProtocolCell cell =
        new ProtocolCell(
            like.target(), like.route(), like.payload(), CHECKED_BATCH, 1, Link.LOOPBACK, false);
    CellTarget asked = cellTarget(cell);
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

  private CellTarget cellTarget(ProtocolCell cell) {
    ProtocolTarget target = targets.get(cell.target());
    Endpoint endpoint = target == null ? null : target.of(cell.route());
    if (endpoint == null) {
      throw new IllegalArgumentException(
          cell.target() + ": no address for " + cell.route().label() + " (expected: one)");
    }
    var model = plan.models().get(cell.payload());
    if (model == null) {
      throw new IllegalArgumentException(
          "--model: none for " + cell.payload().label() + " (expected: PAYLOAD=NAME)");
    }
    return new CellTarget(
        cell, throughLink(endpoint, cell.link()), model.model(), model.input(), pictures);
  }

  private Endpoint throughLink(Endpoint endpoint, Link link) {
    return link.isLoopback()
        ? endpoint
        : proxies
            .computeIfAbsent(endpoint + " " + link, _ -> new ShapingProxy(endpoint, link))
            .endpoint();
  }

  /**
   * Measures what is not in the store yet, until the budget is spent; returns how many are left.
   */
  int measure(List<ProtocolCell> cells, CellStore store) throws IOException, InterruptedException {
    long end = System.nanoTime() + plan.budget().toNanos();
    warmUp(cells.stream().filter(cell -> !store.has(cell.id())).toList());
    int left = 0;
    int number = 0;
    for (ProtocolCell cell : cells) {
      number++;
      if (store.has(cell.id()) || unequal.containsKey(way(cell))) {
        continue;
      }
      if (System.nanoTime() > end) {
        left++;
        continue;
      }
      ObjectNode measured = measure(cell);
      log.accept(
          String.format(
              Locale.ROOT,
              "%4d/%d %-44s %s",
              number,
              cells.size(),
              cell.id(),
              measured.has("error")
                  ? measured.path("error").asString("")
                  : String.format(
                      Locale.ROOT,
                      "%,9.1f images/s",
                      measured.path("images_per_second").doubleValue())));
      store.add(measured);
    }
    return left;
  }

  /** Presses every way that is still to be measured, on loopback, and forgets what that showed. */
  private void warmUp(List<ProtocolCell> cells) throws InterruptedException {
    Set<String> seen = new HashSet<>(unequal.keySet());
    for (ProtocolCell like : cells) {
      if (!plan.warmUp().isZero() && seen.add(way(like))) {
        log.accept(way(like) + ": warm-up");
        ProtocolCell cell =
            new ProtocolCell(
                like.target(),
                like.route(),
                like.payload(),
                like.batch(),
                WARM_UP_CALLERS,
                Link.LOOPBACK,
                false);
        LoadPlan load = LoadPlan.closed(WARM_UP_CALLERS, Duration.ZERO, plan.warmUp());
        try (Target target = cellTarget(cell).open()) {
          var _ = new LoadRun(target, load, probe(cell), Progress.NONE).run();
        }
      }
    }
  }

  private ObjectNode measure(ProtocolCell cell) throws InterruptedException {
    ObjectNode node = CellStore.newCell(cell.id());
    node.put("target", cell.target())
        .put("route", cell.route().id())
        .put("payload", cell.payload().label())
        .put("batch", cell.batch())
        .put("concurrency", cell.concurrency())
        .put("link", cell.link().name())
        .put("per_call", cell.perCall());
    try (Target target = cellTarget(cell).open()) {
      long first = OneCall.to(target, 0).nanos();
      long usual = OneCall.to(target, 0).nanos();
      node.put("first_answer", first / 1e3);
      LoadResult result =
          new LoadRun(target, loadPlan(cell, usual), probe(cell), Progress.NONE).run();
      node.put("images_per_second", cell.batch() * result.throughput());
      ObjectNode run = node.putObject("run");
      ReportJson.write(run, result);
      run.remove(List.of("series", "distribution", "histogram"));
    } catch (InferenceException e) {
      node.put("error", e.getMessage());
    }
    return node;
  }

  private LoadPlan loadPlan(ProtocolCell cell, long usualNanos) {
    double bandwidth = cell.link().bytesPerSecond();
    double rate = cell.concurrency() * 1e9 / usualNanos;
    if (bandwidth > 0) {
      rate = Math.min(rate, bandwidth / cell.payloadBytes());
    }
    long least = Math.max(6, 3L * cell.concurrency());
    long requests =
        plan.iterations() > 0
            ? Math.max(plan.iterations(), least)
            : Math.clamp((long) (plan.cellSeconds() * rate), least, MOST_REQUESTS);
    // Two requests have been answered; where one takes long, that must do.
    long warmUp =
        usualNanos > SLOW_NANOS ? 0 : Math.clamp(20 * usualNanos, 1, LONGEST_WARM_UP_NANOS);
    double longest = Math.max(6 * plan.cellSeconds(), 3 * requests / rate);
    return new LoadPlan(
        new Load.Closed(new Profile.Constant(cell.concurrency())),
        Duration.ofNanos(warmUp),
        Duration.ofMillis((long) (1e3 * longest) + 1),
        requests,
        false,
        Mix.PLAIN,
        1,
        false);
  }

  private ServerProbe probe(ProtocolCell cell) {
    ProtocolTarget target = targets.get(cell.target());
    if (target == null) {
      throw new IllegalArgumentException("target: " + cell.target() + " (expected: a known one)");
    }
    return probes.computeIfAbsent(cell.target(), _ -> target.probe(probeLoops));
  }

  @Override
  public void close() {
    probes.values().forEach(ServerProbe::close);
    proxies.values().forEach(ShapingProxy::close);
    probeLoops.close();
  }
}
