package dev.nereid.client;

import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * How long a call may take at a target that is well. A deadline that leaves less says nothing of
 * the target when it passes. Thread-safe.
 */
final class FairTime {
  /** So many times a model's usual time. */
  private static final long TIMES = 4;

  /** Less than this may be lost on the way. */
  private static final long LEAST_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

  private static final int SAMPLES = 5;

  private final List<UpstreamTarget> targets;
  private final long unknownNanos;

  /**
   * Over these targets.
   *
   * @param unknownNanos while nobody knows a model's usual time
   */
  FairTime(List<UpstreamTarget> targets, long unknownNanos) {
    this.targets = targets;
    this.unknownNanos = unknownNanos;
  }

  /** By what the model usually takes there, or else where it takes longest. */
  long nanos(UpstreamTarget target, String model, long now) {
    long usual = usualNanos(target, model, now);
    if (usual < 0) {
      for (UpstreamTarget other : targets) {
        usual = Math.max(usual, usualNanos(other, model, now));
      }
    }
    return usual < 0 ? unknownNanos : Math.max(LEAST_NANOS, TIMES * usual);
  }

  private static long usualNanos(UpstreamTarget target, String model, long now) {
    return target.load.medianNanos(model, now, Long.MAX_VALUE, SAMPLES, Integer.MAX_VALUE);
  }
}
