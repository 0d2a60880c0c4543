package dev.nereid.bench;

import java.time.Duration;

/**
 * One run.
 *
 * @param load when requests begin
 * @param warmUp before anything is counted; negative until stable
 * @param duration counted at most
 * @param requests counted at most; 0 for no bound, or with {@code inOrder} for each distinct one
 *     once
 * @param inOrder whether the distinct requests are gone through in their order, by all callers
 *     together, instead of by each in an order of its own
 * @param mix priorities and deadlines
 * @param seed decides data and orders
 * @param verify whether the content of every reply is compared
 */
record LoadPlan(
    Load load,
    Duration warmUp,
    Duration duration,
    long requests,
    boolean inOrder,
    Mix mix,
    long seed,
    boolean verify) {
  /** Warm-up until throughput is stable. */
  static final Duration UNTIL_STABLE = Duration.ofSeconds(-1);

  LoadPlan {
    if (load instanceof Load.Closed && load.callers() < 1) {
      throw new IllegalArgumentException("concurrency: " + load.callers() + " (expected: >= 1)");
    }
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException("duration: " + duration + " (expected: positive)");
    }
    if (requests < 0) {
      throw new IllegalArgumentException("requests: " + requests + " (expected: >= 0)");
    }
  }

  /** A closed loop of so many callers. */
  static LoadPlan closed(int callers, Duration warmUp, Duration duration) {
    return new LoadPlan(
        new Load.Closed(new Profile.Constant(callers)),
        warmUp,
        duration,
        0,
        false,
        Mix.PLAIN,
        1,
        false);
  }

  LoadPlan withTimes(Duration otherWarmUp, Duration otherDuration) {
    return new LoadPlan(load, otherWarmUp, otherDuration, requests, inOrder, mix, seed, verify);
  }

  /** Each of the distinct requests in turn, or so many if that is not 0. */
  LoadPlan inOrder(long count) {
    return new LoadPlan(load, warmUp, duration, count, true, mix, seed, verify);
  }
}
