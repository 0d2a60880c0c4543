package dev.nereid.bench;

import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Latencies in microseconds. A quantile is null where fewer than ten samples lie beyond it: it
 * would be an anecdote.
 */
public record Latencies(
    long count,
    double mean,
    double min,
    @Nullable Double p50,
    @Nullable Double p90,
    @Nullable Double p95,
    @Nullable Double p99,
    @Nullable Double p999,
    double max) {
  private static final int SAMPLES_BEYOND = 10;
  private static final double NANOS = 1e3;

  static Latencies of(Histogram nanos) {
    if (nanos.getTotalCount() == 0) {
      return new Latencies(0, 0, 0, null, null, null, null, null, 0);
    }
    return new Latencies(
        nanos.getTotalCount(),
        nanos.getMean() / NANOS,
        nanos.getMinValue() / NANOS,
        quantile(nanos, 0.5),
        quantile(nanos, 0.9),
        quantile(nanos, 0.95),
        quantile(nanos, 0.99),
        quantile(nanos, 0.999),
        nanos.getMaxValue() / NANOS);
  }

  /** A quantile in microseconds, or null where the samples do not carry it. */
  static @Nullable Double quantile(Histogram nanos, double quantile) {
    double beyond = nanos.getTotalCount() * (1 - quantile);
    return beyond + 1e-6 < SAMPLES_BEYOND
        ? null
        : nanos.getValueAtPercentile(100 * quantile) / NANOS;
  }
}
