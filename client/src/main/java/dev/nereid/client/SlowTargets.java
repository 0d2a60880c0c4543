package dev.nereid.client;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;

/**
 * Finds targets that answer much slower than the others do for the same model, and sees when they
 * no longer do. Called by one timer.
 */
final class SlowTargets {
  private static final long RECENT_NANOS = TimeUnit.SECONDS.toNanos(2);
  private static final long PROBES_NANOS = TimeUnit.SECONDS.toNanos(60);

  /** Differences below this are not worth a change. */
  private static final long NOTABLE_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private static final int SAMPLES = 5;
  private static final int PROBES = 2;

  private final List<UpstreamTarget> targets;
  private final double factor;

  SlowTargets(List<UpstreamTarget> targets, double factor) {
    this.targets = targets;
    this.factor = factor;
  }

  void look(long now) {
    if (factor == 0 || targets.size() < 2) {
      return;
    }
    Set<String> models = new TreeSet<>();
    targets.forEach(target -> models.addAll(target.models().keySet()));
    for (UpstreamTarget target : targets) {
      if (target.answers()) {
        look(target, models, now);
      }
    }
  }

  private void look(UpstreamTarget target, Set<String> models, long now) {
    boolean marked = target.state() == TargetState.SLOW;
    boolean known = false;
    for (String model : models) {
      long usual = usualElsewhere(target, model, now);
      long here =
          marked
              ? target.load.medianNanos(model, now, PROBES_NANOS, PROBES, PROBES)
              : target.load.medianNanos(model, now, RECENT_NANOS, SAMPLES, Integer.MAX_VALUE);
      if (usual < 0 || here < 0) {
        continue;
      }
      known = true;
      if (here > factor * usual && here - usual > NOTABLE_NANOS) {
        target.slow(
            true,
            "model '%s' takes %d ms, elsewhere %d ms"
                .formatted(
                    model,
                    TimeUnit.NANOSECONDS.toMillis(here),
                    TimeUnit.NANOSECONDS.toMillis(usual)));
        return;
      }
    }
    if (marked && (known || !isAnyOtherLive(target))) {
      target.slow(false, "");
    }
  }

  /** The median of the other targets' usual times; -1 when none is known. */
  private long usualElsewhere(UpstreamTarget target, String model, long now) {
    List<Long> times = new ArrayList<>();
    for (UpstreamTarget other : targets) {
      if (!other.equals(target) && other.state() == TargetState.LIVE) {
        long median = other.load.medianNanos(model, now, RECENT_NANOS, SAMPLES, Integer.MAX_VALUE);
        if (median >= 0) {
          times.add(median);
        }
      }
    }
    times.sort(null);
    return times.isEmpty() ? -1 : times.get((times.size() - 1) / 2);
  }

  private boolean isAnyOtherLive(UpstreamTarget target) {
    return targets.stream()
        .anyMatch(other -> !other.equals(target) && other.state() == TargetState.LIVE);
  }
}
