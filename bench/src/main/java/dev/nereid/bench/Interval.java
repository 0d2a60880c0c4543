package dev.nereid.bench;

import java.util.List;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Where a figure, none of which can be negative, lies with 95 % confidence.
 *
 * <p>Means come from the seconds of a run, as batch means; seconds that follow their neighbours
 * count for less than independent ones. Quantiles come from the order of the samples, and from the
 * seconds too where each has enough samples, and the wider one is given.
 */
record Interval(double low, double high) {
  private static final int FEWEST_SLICES = 5;
  private static final double Z = 1.96;

  /** The interval of a mean, or null from fewer than five values. */
  static @Nullable Interval ofMean(List<Double> slices) {
    return around(mean(slices), slices);
  }

  /** As wide as the values say, but about another centre. */
  private static @Nullable Interval around(double centre, List<Double> slices) {
    int n = slices.size();
    if (n < FEWEST_SLICES) {
      return null;
    }
    double mean = mean(slices);
    double squares = 0;
    double neighbours = 0;
    for (int i = 0; i < n; i++) {
      double off = slices.get(i) - mean;
      squares += off * off;
      neighbours += i == 0 ? 0 : off * (slices.get(i - 1) - mean);
    }
    double correlation = squares == 0 ? 0 : Math.clamp(neighbours / squares, 0, 0.9);
    double independent = Math.max(2, n * (1 - correlation) / (1 + correlation));
    double half = student(independent - 1) * Math.sqrt(squares / (n - 1) / independent);
    return new Interval(Math.max(0, centre - half), centre + half);
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElse(0);
  }

  /** The 97.5 % quantile of Student's distribution. */
  static double student(double freedom) {
    return studentAt(freedom, Z);
  }

  /** How far from 0 values of Student's distribution lie but for that share of them. */
  static double student(double freedom, double beyond) {
    return studentAt(freedom, normal(beyond / 2));
  }

  /** By Cornish and Fisher's expansion. */
  private static double studentAt(double freedom, double z) {
    double z3 = z * z * z;
    double z5 = z3 * z * z;
    double z7 = z5 * z * z;
    return z
        + (z3 + z) / (4 * freedom)
        + (5 * z5 + 16 * z3 + 3 * z) / (96 * freedom * freedom)
        + (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * freedom * freedom * freedom);
  }

  /** Above which value that share of a normal distribution lies; Hastings' approximation. */
  private static double normal(double share) {
    double t = Math.sqrt(-2 * Math.log(share));
    return t
        - (2.515517 + t * (0.802853 + t * 0.010328))
            / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  }

  /**
   * The interval of a quantile in microseconds, or null where the quantile itself is not given.
   *
   * @param slices the same quantile of each second that has one
   */
  static @Nullable Interval ofQuantile(Histogram nanos, double quantile, List<Double> slices) {
    Double value = Latencies.quantile(nanos, quantile);
    if (value == null) {
      return null;
    }
    double n = nanos.getTotalCount();
    double spread = Z * Math.sqrt(quantile * (1 - quantile) / n);
    double low = nanos.getValueAtPercentile(100 * Math.max(0, quantile - spread)) / 1e3;
    double high = nanos.getValueAtPercentile(100 * Math.min(1, quantile + spread)) / 1e3;
    Interval across = around(value, slices);
    return across == null
        ? new Interval(low, high)
        : new Interval(Math.min(low, across.low), Math.max(high, across.high));
  }

  /** Half the width over the middle. */
  double relative() {
    double middle = (low + high) / 2;
    return middle == 0 ? 0 : (high - low) / 2 / middle;
  }
}
