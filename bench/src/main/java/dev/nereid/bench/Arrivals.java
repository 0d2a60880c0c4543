package dev.nereid.bench;

import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/** The intended times of an open loop's requests, or one pacer's share of them. Not thread-safe. */
abstract sealed class Arrivals {
  /** No request any more. */
  static final long NEVER = Long.MAX_VALUE;

  private static final double STEP_NANOS = 1e6;
  private static final double HORIZON_NANOS = 3600e9;

  /** Goes on to the next one; nanoseconds since the beginning, or {@link #NEVER}. */
  abstract long next();

  /** Which request the last {@link #next} wants; negative for any. */
  int variant() {
    return -1;
  }

  /** Which class of it; negative for any. */
  int share() {
    return -1;
  }

  /**
   * At a rate that may change over time.
   *
   * @param part which of the pacers, so that those of a constant rate alternate
   * @param parts among which the rate is divided
   */
  static Arrivals at(Load.Open load, int part, int parts, SplittableRandom random) {
    return new AtRate(load.perSecond(), load.poisson() ? random : null, part, parts);
  }

  /** Every n-th request of a trace. */
  static Arrivals of(Load.Replay load, int part, int parts) {
    return new FromTrace(load.trace(), load.speed(), part, parts);
  }

  private static final class AtRate extends Arrivals {
    private final Profile profile;
    private final SplittableRandom random;
    private final boolean poisson;
    private final double parts;
    private double at;
    private double head;

    AtRate(Profile profile, @Nullable SplittableRandom random, int part, int parts) {
      this.profile = profile;
      this.poisson = random != null;
      this.random = random == null ? new SplittableRandom(0) : random;
      this.parts = parts;
      this.head = poisson ? 0 : (double) part / parts;
    }

    @Override
    long next() {
      double need = poisson ? -Math.log(1 - random.nextDouble()) : head > 0 ? head : 1;
      head = 0;
      if (profile instanceof Profile.Constant(double level)) {
        at += need * parts * 1e9 / level;
        return (long) at;
      }
      for (double end = at + HORIZON_NANOS; at < end; at += STEP_NANOS) {
        double rate = profile.at(at / 1e9) / parts;
        double gain = rate * STEP_NANOS / 1e9;
        if (gain >= need) {
          at += need / rate * 1e9;
          return (long) at;
        }
        need -= gain;
      }
      return NEVER;
    }
  }

  private static final class FromTrace extends Arrivals {
    private final Trace trace;
    private final double speed;
    private final int stride;
    private int at;

    FromTrace(Trace trace, double speed, int part, int parts) {
      this.trace = trace;
      this.speed = speed;
      this.stride = parts;
      this.at = part - parts;
    }

    @Override
    long next() {
      at += stride;
      return at < trace.size() ? (long) (trace.entries().get(at).nanos() / speed) : NEVER;
    }

    @Override
    int variant() {
      return trace.entries().get(at).variant();
    }

    @Override
    int share() {
      return trace.entries().get(at).share();
    }
  }
}
