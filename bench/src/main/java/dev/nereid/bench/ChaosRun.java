package dev.nereid.bench;

import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.InferenceException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Treats a server badly for a while, by a seed: cancels, disconnects, hurries, talks nonsense and
 * asks models that fail, and meanwhile checks that who behaves is answered rightly. Afterwards
 * every lease must have come back, and memory must have stayed flat. For one thread.
 */
public final class ChaosRun {
  private static final String OPEN_LEASES = "nereid_open_leases";
  private static final List<String> MEMORY =
      List.of("process_resident_memory_bytes", "nereid_direct_memory_held_bytes");
  private static final long QUIET_SECONDS = 30;
  private static final long POLL_MILLIS = 50;
  private static final int VIOLATIONS_KEPT = 20;
  private static final int CALLS_PER_MODEL = 8;
  private static final double GROWTH = 0.1;
  private static final double SLACK_BYTES = 32e6;

  private final ChaosPlan plan;
  private final Consumer<String> progress;
  private final Map<String, LongAdder> outcomes = new ConcurrentHashMap<>();
  private final Map<String, LongAdder> violations = new ConcurrentHashMap<>();

  /**
   * A run to be started once.
   *
   * @param progress told a line every second
   */
  public ChaosRun(ChaosPlan plan, Consumer<String> progress) {
    this.plan = plan;
    this.progress = progress;
  }

  /** Runs; what the server did wrong is in the report. */
  public ChaosReport run() throws InterruptedException {
    try (var loops = EventLoops.of(Runtime.getRuntime().availableProcessors())) {
      List<InferenceClient> clients = open(loops);
      try {
        return run(loops, clients);
      } finally {
        clients.forEach(InferenceClient::close);
      }
    }
  }

  private List<InferenceClient> open(EventLoops loops) {
    List<InferenceClient> clients = new ArrayList<>();
    HttpOptions http = HttpOptions.of(plan.http()).withMaxConnections(plan.actors());
    clients.add(new HttpInferenceClient(http, loops));
    clients.add(new HttpInferenceClient(http.withJson(), loops));
    var grpc = plan.grpc();
    if (grpc != null) {
      clients.add(new GrpcInferenceClient(GrpcOptions.of(grpc), loops));
    }
    return clients;
  }

  private ChaosReport run(EventLoops loops, List<InferenceClient> clients)
      throws InterruptedException {
    var probe = new ServerProbe(plan.metrics(), 0, clients.getFirst());
    List<ChaosModel> models =
        plan.models().stream().map(name -> learn(clients.getLast(), name)).toList();
    List<MemoryTrend> memory =
        MEMORY.stream().map(name -> new MemoryTrend(name, GROWTH, SLACK_BYTES)).toList();
    List<ChaosModel> failing =
        plan.failing().stream()
            .map(name -> new ChaosModel(name, calls(clients.getLast(), name), List.of()))
            .toList();
    var cast = new ChaosActor.Cast(models, failing);
    disturb(loops, clients, cast, () -> sample(probe, memory));
    Double openLeases = awaitQuiet(probe);
    if (openLeases != null && openLeases > 0) {
      violation(openLeases.longValue() + " leases open after " + QUIET_SECONDS + " s of quiet");
    }
    models.forEach(model -> checkStillRight(clients.getLast(), model));
    return report(openLeases, memory);
  }

  private ChaosModel learn(InferenceClient client, String name) {
    List<InferCall> calls = calls(client, name);
    return new ChaosModel(
        name, calls, calls.stream().map(call -> ChaosActor.await(client.infer(call))).toList());
  }

  private List<InferCall> calls(InferenceClient client, String name) {
    List<byte[]> images =
        plan.images() == null
            ? List.of()
            : ImageSet.load(plan.images(), ImageSet.Mode.MIXED, CALLS_PER_MODEL, plan.seed());
    return new TensorInputs(CALLS_PER_MODEL, 1, Map.of(), Map.of(), images, plan.seed())
        .calls(client.model(name));
  }

  private void disturb(
      EventLoops loops, List<InferenceClient> clients, ChaosActor.Cast cast, Runnable everySecond)
      throws InterruptedException {
    long end = System.nanoTime() + plan.duration().toNanos();
    SplittableRandom seeds = new SplittableRandom(plan.seed());
    var audience = new ChaosActor.Audience(this::outcome, this::violation);
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < plan.actors(); i++) {
        var actor = new ChaosActor(plan, cast, clients, loops, seeds.split(), audience);
        threads.execute(
            () -> {
              while (System.nanoTime() < end) {
                actor.act();
              }
            });
      }
      while (System.nanoTime() < end) {
        TimeUnit.NANOSECONDS.sleep(
            Math.clamp(end - System.nanoTime(), 0, TimeUnit.SECONDS.toNanos(1)));
        everySecond.run();
      }
    }
  }

  private void sample(ServerProbe probe, List<MemoryTrend> memory) {
    for (MemoryTrend trend : memory) {
      Double bytes = probe.value(trend.name());
      if (bytes != null) {
        trend.add(bytes);
      }
    }
    long done = outcomes.values().stream().mapToLong(LongAdder::sum).sum();
    progress.accept(String.format("%,d deeds, %d kinds of violation", done, violations.size()));
  }

  /** Waits until no lease is open; returns how many still are. */
  private static @Nullable Double awaitQuiet(ServerProbe probe) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(QUIET_SECONDS);
    Double open = probe.value(OPEN_LEASES);
    while (open != null && open > 0 && System.nanoTime() < end) {
      Thread.sleep(POLL_MILLIS);
      open = probe.value(OPEN_LEASES);
    }
    return open;
  }

  private void checkStillRight(InferenceClient client, ChaosModel model) {
    for (int i = 0; i < model.calls().size(); i++) {
      try {
        if (!model.isRight(i, ChaosActor.await(client.infer(model.calls().get(i))))) {
          violation(model.name() + ": wrong reply after all was over");
        }
      } catch (InferenceException e) {
        violation(model.name() + ": " + e.getMessage() + " after all was over");
      }
    }
  }

  private ChaosReport report(@Nullable Double openLeases, List<MemoryTrend> memory) {
    memory.stream().filter(trend -> !trend.isFlat()).forEach(trend -> violation(trend.toString()));
    SortedMap<String, Long> counts = new TreeMap<>();
    outcomes.forEach((name, count) -> counts.put(name, count.sum()));
    List<String> wrongs = new ArrayList<>();
    violations.forEach((what, count) -> wrongs.add(what + " (" + count.sum() + " times)"));
    return new ChaosReport(
        counts, openLeases, memory.stream().map(MemoryTrend::toString).toList(), wrongs);
  }

  private void outcome(ChaosDeed deed, String how) {
    outcomes
        .computeIfAbsent(deed.name().toLowerCase(Locale.ROOT) + ": " + how, _ -> new LongAdder())
        .increment();
  }

  private void violation(String what) {
    String key =
        violations.size() < VIOLATIONS_KEPT || violations.containsKey(what) ? what : "others";
    violations.computeIfAbsent(key, _ -> new LongAdder()).increment();
  }
}
