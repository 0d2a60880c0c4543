package dev.nereid.bench;

import java.time.Duration;

/**
 * One run of a closed loop.
 *
 * @param concurrency callers, each with one request in flight
 * @param warmUp before anything is counted; negative until throughput is stable
 * @param duration counted at most
 * @param requests counted at most; 0 for no bound
 * @param deadline for each request; zero for none
 * @param seed decides data and orders
 * @param verify whether the content of every reply is compared
 */
public record LoadPlan(
    int concurrency,
    Duration warmUp,
    Duration duration,
    long requests,
    Duration deadline,
    long seed,
    boolean verify) {
  /** Warm-up until throughput is stable. */
  public static final Duration UNTIL_STABLE = Duration.ofSeconds(-1);

  public LoadPlan {
    if (concurrency < 1) {
      throw new IllegalArgumentException("concurrency: " + concurrency + " (expected: >= 1)");
    }
    if (duration.isNegative() || duration.isZero()) {
      throw new IllegalArgumentException("duration: " + duration + " (expected: positive)");
    }
    if (requests < 0) {
      throw new IllegalArgumentException("requests: " + requests + " (expected: >= 0)");
    }
    if (deadline.isNegative()) {
      throw new IllegalArgumentException("deadline: " + deadline + " (expected: not negative)");
    }
  }
}
