package dev.nereid.client;

import dev.nereid.core.Ticker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the target of an attempt: one where the model is ready and its breaker lets calls
 * through, by the policy, and rather one that this call has not tried. Thread-safe.
 */
final class Balancer {
  private final List<UpstreamTarget> targets;
  private final UpstreamOptions.Policy policy;
  private final Ticker ticker;
  private final AtomicInteger turn = new AtomicInteger();

  /** A target that agreed to a call; the breaker has to be told of its outcome. */
  record Choice(UpstreamTarget target, RemoteModel model, CircuitBreaker breaker) {}

  Balancer(List<UpstreamTarget> targets, UpstreamOptions.Policy policy, Ticker ticker) {
    this.targets = targets;
    this.policy = policy;
    this.ticker = ticker;
  }

  /** Whether a target that is well can serve that model. */
  boolean hasLive(String model, long version) {
    for (UpstreamTarget target : targets) {
      RemoteModel known = target.models().get(model);
      if (target.state() == TargetState.LIVE && known != null && known.serves(version)) {
        return true;
      }
    }
    return false;
  }

  /**
   * The target for a call of that model; null when none can take it.
   *
   * @param only the one to choose; null for any
   */
  @Nullable Choice choose(
      String model, long version, @Nullable Endpoint only, Set<UpstreamTarget> tried) {
    long now = ticker.nanos();
    List<UpstreamTarget> live = new ArrayList<>(targets.size());
    List<UpstreamTarget> again = new ArrayList<>(0);
    List<UpstreamTarget> doubtful = new ArrayList<>(0);
    for (UpstreamTarget target : targets) {
      RemoteModel known = target.models().get(model);
      boolean wanted = only == null || only.equals(target.endpoint());
      if (!wanted || known == null || !known.serves(version)) {
        continue;
      }
      switch (target.state()) {
        case LIVE -> (tried.contains(target) ? again : live).add(target);
        // One call at a time shows whether it is as fast as the others again.
        case SLOW -> (target.tryProbe(now) ? live : doubtful).add(target);
        // What is ending still does what it takes; who else should?
        case STUCK, STOPPING -> {
          if (!tried.contains(target)) {
            doubtful.add(target);
          }
        }
        case UNKNOWN, UNREACHABLE -> {}
      }
    }
    Choice choice = first(ordered(live), model);
    if (choice == null) {
      choice = first(ordered(again), model);
    }
    return choice == null ? first(ordered(doubtful), model) : choice;
  }

  private List<UpstreamTarget> ordered(List<UpstreamTarget> candidates) {
    if (candidates.size() < 2) {
      return candidates;
    }
    int first = Math.floorMod(turn.getAndIncrement(), candidates.size());
    List<UpstreamTarget> order = new ArrayList<>(candidates.size());
    order.addAll(candidates.subList(first, candidates.size()));
    order.addAll(candidates.subList(0, first));
    switch (policy) {
      case ROUND_ROBIN -> {}
      case LEAST_REQUEST -> {
        record Counted(UpstreamTarget target, int calls) {}
        order =
            order.stream()
                .map(target -> new Counted(target, target.inFlight.get()))
                .sorted((a, b) -> Integer.compare(a.calls, b.calls))
                .map(Counted::target)
                .toList();
      }
    }
    return order;
  }

  private static @Nullable Choice first(List<UpstreamTarget> order, String model) {
    for (UpstreamTarget target : order) {
      RemoteModel known = target.models().get(model);
      CircuitBreaker breaker = target.breaker(model);
      if (known != null && breaker.tryAcquirePermission()) {
        return new Choice(target, known, breaker);
      }
    }
    return null;
  }

  /** Why no target takes a call of that model. */
  String refusal(String model) {
    StringBuilder why = new StringBuilder("no upstream serves model '" + model + "'");
    String separator = ": ";
    for (UpstreamTarget target : targets) {
      why.append(separator).append(target.endpoint()).append(' ').append(reason(target, model));
      separator = ", ";
    }
    return why.toString();
  }

  private static String reason(UpstreamTarget target, String model) {
    return switch (target.state()) {
      case UNKNOWN -> "was not reached yet";
      case UNREACHABLE -> "is unreachable";
      case STOPPING -> "is stopping";
      case STUCK -> "does not answer";
      case LIVE, SLOW ->
          target.models().containsKey(model)
              ? "has its breaker " + target.breaker(model).getState()
              : "does not have it";
    };
  }
}
