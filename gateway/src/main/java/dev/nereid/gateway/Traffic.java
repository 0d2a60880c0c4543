package dev.nereid.gateway;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.MetricSource;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/** Where the requests for each model go, and what came of it. Thread-safe. */
final class Traffic implements MetricSource {
  private static final int MOST_PLANS = 1000;

  private final Serving serving;
  private final ShadowServing.Setup shadows;
  private final Map<String, Live> plans = new ConcurrentSkipListMap<>();

  /**
   * A plan in force.
   *
   * @param previous what was in force before; null for nothing
   * @param arms what came of each, by name
   * @param shadow what was found by comparing
   */
  record Live(
      TrafficPlan plan,
      @Nullable TrafficPlan previous,
      TrafficSplit split,
      Map<String, ArmCounts> arms,
      ShadowCounts shadow) {
    static Live of(TrafficPlan plan, @Nullable TrafficPlan previous) {
      return new Live(
          plan,
          previous,
          new TrafficSplit(plan.arms()),
          new ConcurrentHashMap<>(),
          new ShadowCounts());
    }

    ArmCounts counts(TrafficArm arm) {
      return arms.computeIfAbsent(arm.name(), _ -> new ArmCounts());
    }
  }

  /** What became of the requests that one arm got. */
  static final class ArmCounts {
    final LongAdder requests = new LongAdder();
    final LongAdder failures = new LongAdder();
    final LongAdder nanos = new LongAdder();

    /** A request has its answer. What the client did wrong is no failure of the arm. */
    void ended(int status, long took) {
      requests.increment();
      nanos.add(took);
      boolean clients = status < 400 || status == 400 || (status > 404 && status < 500);
      if (!clients) {
        failures.increment();
      }
    }
  }

  private Traffic(Serving serving, Executor threads) {
    this.serving = serving;
    shadows = new ShadowServing.Setup(new Semaphore(ShadowServing.UNDER_WAY), threads);
  }

  /**
   * Traffic over what runs the models.
   *
   * @param plans to begin with, by model, in the form of {@link TrafficPlanReader}
   * @param threads where answers are compared
   * @throws FaultException when a plan makes no sense
   */
  static Traffic of(Serving serving, Map<String, ?> plans, Executor threads) {
    Traffic traffic = new Traffic(serving, threads);
    plans.forEach((model, plan) -> traffic.put(read(model, plan)));
    return traffic;
  }

  /** A plan as maps and lists have it, checked. */
  static TrafficPlan read(String model, Object plan) {
    try {
      return TrafficPlanReader.read(model, plan);
    } catch (IllegalArgumentException e) {
      throw FaultException.of(Fault.INVALID_ARGUMENT, String.valueOf(e.getMessage()));
    }
  }

  /** The plans in force, by model. */
  SortedMap<String, Live> plans() {
    return new TreeMap<>(plans);
  }

  /** The plan in force for a model; null when there is none. */
  @Nullable Live find(String model) {
    return plans.get(model);
  }

  /** Puts a plan in force; the one before can be put back by {@link #rollBack}. */
  void put(TrafficPlan plan) {
    if (plans.size() >= MOST_PLANS && !plans.containsKey(plan.model())) {
      throw FaultException.of(
          Fault.TOO_LARGE, "traffic: too many plans (expected: at most " + MOST_PLANS + ")");
    }
    plan.arms().forEach(arm -> serving.on(arm.upstream()));
    if (plan.shadow() != null) {
      var _ = serving.on(plan.shadow().arm().upstream());
    }
    plans.compute(plan.model(), (_, known) -> Live.of(plan, known == null ? null : known.plan()));
  }

  /** Sends everything to one arm. */
  void promote(String model, @Nullable String arm) {
    Live known = require(model);
    TrafficArm chosen = arm == null ? challenger(known.plan()) : known.plan().arm(arm);
    if (chosen == null) {
      throw FaultException.of(Fault.NOT_FOUND, "traffic: '" + model + "' has no arm '" + arm + "'");
    }
    put(known.plan().promoting(chosen));
  }

  /** The shadow, or the second of two arms: what else could be meant. */
  private static TrafficArm challenger(TrafficPlan plan) {
    if (plan.shadow() != null && plan.arms().size() == 1) {
      return plan.shadow().arm();
    }
    if (plan.shadow() == null && plan.arms().size() == 2) {
      return plan.arms().getLast();
    }
    throw FaultException.of(
        Fault.INVALID_ARGUMENT, "arm: none (expected: the name of the one to promote)");
  }

  /** Puts the plan back that was in force before; rolling back twice leaves all as it was. */
  void rollBack(String model) {
    TrafficPlan previous = require(model).previous();
    if (previous == null) {
      throw FaultException.of(
          Fault.NOT_FOUND, "traffic: nothing was in force for '" + model + "' before");
    }
    put(previous);
  }

  /** Lets requests for a model go where they go without a plan. */
  void remove(String model) {
    if (plans.remove(model) == null) {
      throw none(model);
    }
  }

  private Live require(String model) {
    Live live = plans.get(model);
    if (live == null) {
      throw none(model);
    }
    return live;
  }

  private static FaultException none(String model) {
    return FaultException.of(Fault.NOT_FOUND, "traffic: no plan for '" + model + "'");
  }

  /** Who runs an arm, and, where the plan has a shadow, copies its requests. */
  Serving serving(Live live, Serving inner, ImageModel model) {
    TrafficPlan.Shadow shadow = live.plan().shadow();
    if (shadow == null) {
      return inner;
    }
    Serving other = serving.on(shadow.arm().upstream());
    return new ShadowServing(inner, model, shadow, other, live.shadow(), shadows);
  }

  @Override
  public void collect(Sink sink) {
    plans.forEach(
        (model, live) -> {
          for (TrafficArm arm : live.plan().arms()) {
            ArmCounts counts = live.counts(arm);
            double failures = counts.failures.sum();
            double good = counts.requests.sum() - failures;
            sink.sample(Meter.TRAFFIC_REQUESTS, good, model, arm.name(), "answered");
            sink.sample(Meter.TRAFFIC_REQUESTS, failures, model, arm.name(), "failed");
            sink.sample(Meter.TRAFFIC_WEIGHT, arm.weight(), model, arm.name());
          }
          if (live.plan().shadow() != null) {
            collect(sink, model, live.plan().shadow().arm().name(), live.shadow().totals());
          }
        });
  }

  private static void collect(Sink sink, String model, String shadow, ShadowCounts.Totals totals) {
    double same = (double) (totals.compared() - totals.different());
    sink.sample(Meter.SHADOW_REQUESTS, same, model, shadow, "same");
    sink.sample(Meter.SHADOW_REQUESTS, (double) totals.different(), model, shadow, "different");
    sink.sample(Meter.SHADOW_REQUESTS, (double) totals.failed(), model, shadow, "failed");
    sink.sample(Meter.SHADOW_REQUESTS, (double) totals.skipped(), model, shadow, "skipped");
    sink.sample(Meter.SHADOW_OBJECTS, (double) totals.matched(), model, shadow, "matched");
    sink.sample(Meter.SHADOW_OBJECTS, (double) totals.missing(), model, shadow, "missing");
    sink.sample(Meter.SHADOW_OBJECTS, (double) totals.extra(), model, shadow, "extra");
    sink.sample(Meter.SHADOW_OVERLAP, totals.meanOverlap(), model, shadow);
    sink.sample(Meter.SHADOW_AGREEMENT, totals.agreement(), model, shadow);
    sink.sample(Meter.SHADOW_COSINE, totals.meanCosine(), model, shadow);
  }
}
