package dev.nereid.telemetry;

import java.util.List;

/**
 * Which of Triton's optional latencies are measured; none of them costs anything while it is off.
 *
 * @param histograms whether the time to a request's first response is told in buckets
 * @param summaries whether times are told as quantiles of the last minute
 * @param quantiles which ones, each from 0 to 1
 */
public record LatencyOptions(boolean histograms, boolean summaries, List<Double> quantiles) {
  /** Triton's quantiles. */
  public static final List<Double> QUANTILES = List.of(0.5, 0.9, 0.95, 0.99, 0.999);

  /** As Triton starts: neither. */
  public static final LatencyOptions OFF = new LatencyOptions(false, false, QUANTILES);

  public LatencyOptions {
    quantiles = List.copyOf(quantiles);
    for (double quantile : quantiles) {
      if (!(quantile >= 0 && quantile <= 1)) {
        throw new IllegalArgumentException("quantile: " + quantile + " (expected: 0 to 1)");
      }
    }
  }

  boolean isOff() {
    return !histograms && !summaries;
  }
}
