package dev.nereid.telemetry;

import java.util.Arrays;
import java.util.concurrent.atomic.DoubleAdder;
import java.util.concurrent.atomic.LongAdder;

/** Counts observations in buckets with fixed upper bounds. Thread-safe; observing never locks. */
public final class Histogram {
  /** Bounds for durations in seconds, from 50 microseconds to 10 seconds. */
  static final double[] SECONDS = {
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
    2.5, 5, 10
  };

  /** The same in milliseconds. */
  static final double[] MILLIS = Arrays.stream(SECONDS).map(bound -> bound * 1000).toArray();

  /** Bounds for batch sizes. */
  static final double[] SIZES = {1, 2, 4, 8, 16, 32, 64, 128, 256};

  private final double[] bounds;
  private final LongAdder[] counts;
  private final DoubleAdder sum = new DoubleAdder();

  Histogram(double[] bounds) {
    this.bounds = bounds;
    counts = new LongAdder[bounds.length + 1];
    Arrays.setAll(counts, _ -> new LongAdder());
  }

  /** Counts one value. */
  public void observe(double value) {
    observe(value, 1);
  }

  /** Counts the same value so many times. */
  public void observe(double value, long times) {
    int bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]) {
      bucket++;
    }
    counts[bucket].add(times);
    sum.add(value * times);
  }

  /** Counts a duration given in nanoseconds in a histogram of seconds. */
  public void observeNanos(long nanos) {
    observe(nanos * 1e-9, 1);
  }

  /** Whether nothing was counted yet. */
  boolean isEmpty() {
    for (LongAdder count : counts) {
      if (count.sum() > 0) {
        return false;
      }
    }
    return true;
  }

  double[] bounds() {
    return bounds;
  }

  /** Counts per bucket, not cumulative, as of now. */
  long[] counts() {
    return Arrays.stream(counts).mapToLong(LongAdder::sum).toArray();
  }

  double sum() {
    return sum.sum();
  }
}
