package dev.nereid.bench;

import java.util.ArrayDeque;
import org.HdrHistogram.Histogram;

/**
 * Says when a load has settled, so that counting may begin: a closed loop when its throughput, an
 * open one when its median latency stays as it is. Not thread-safe.
 */
final class Stability {
  private static final int SECONDS = 3;
  private static final int LEAST_SECONDS = 5;
  private static final int MOST_SECONDS = 30;
  private static final double THROUGHPUT_SPREAD = 0.05;
  private static final double LATENCY_SPREAD = 0.15;

  private final ArrayDeque<Double> last = new ArrayDeque<>();
  private final boolean closed;
  private int seen;
  private boolean settled;

  Stability(boolean closed) {
    this.closed = closed;
  }

  /**
   * Adds a second.
   *
   * @return whether the last three hardly differ, or thirty have passed
   */
  boolean isReachedWith(Histogram latencies) {
    return isReachedWith(
        (double) (closed ? latencies.getTotalCount() : latencies.getValueAtPercentile(50)));
  }

  boolean isReachedWith(double value) {
    seen++;
    last.addLast(value);
    if (last.size() > SECONDS) {
      last.removeFirst();
    }
    double least = last.stream().mapToDouble(Double::doubleValue).min().orElse(0);
    double most = last.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    double spread = closed ? THROUGHPUT_SPREAD : LATENCY_SPREAD;
    settled = seen >= LEAST_SECONDS && least > 0 && most - least <= spread * most;
    return settled || seen >= MOST_SECONDS;
  }

  /** Whether it settled, and did not just run out of patience. */
  boolean isSettled() {
    return settled;
  }
}
