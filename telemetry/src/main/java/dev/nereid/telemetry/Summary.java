package dev.nereid.telemetry;

import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.AtomicHistogram;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * Quantiles of durations over the last minute, and their number and sum since the start. A quantile
 * is off by 1 % of its value at most. Thread-safe; observing never locks.
 *
 * <p>The minute is five windows of twelve seconds, the youngest of which is being filled. One holds
 * about 26 KB once something is counted in it.
 */
public final class Summary {
  private static final int WINDOWS = 5;
  private static final long WINDOW_NANOS = 12_000_000_000L;
  private static final int DIGITS = 2;

  /** An hour; what takes longer is counted as that. */
  private static final long LONGEST_MICROS = 3_600_000_000L;

  /** What was counted in one window of time. */
  private record Window(long number, AtomicHistogram micros) {}

  private final AtomicReferenceArray<@Nullable Window> windows =
      new AtomicReferenceArray<>(WINDOWS);
  private final LongAdder count = new LongAdder();
  private final LongAdder nanosInAll = new LongAdder();

  /** Counts a duration of so many nanoseconds that ended at this moment of the clock. */
  void observe(long nanos, long now) {
    long micros = Math.clamp(nanos / 1000, 0, LONGEST_MICROS);
    window(Math.floorDiv(now, WINDOW_NANOS)).recordValue(micros);
    count.increment();
    nanosInAll.add(nanos);
  }

  private AtomicHistogram window(long number) {
    int index = (int) Math.floorMod(number, (long) WINDOWS);
    while (true) {
      Window current = windows.get(index);
      if (current != null && current.number >= number) {
        return current.micros;
      }
      Window fresh = new Window(number, new AtomicHistogram(LONGEST_MICROS, DIGITS));
      if (windows.compareAndSet(index, current, fresh)) {
        return fresh.micros;
      }
    }
  }

  /** The quantiles as of this moment of the clock, in microseconds; NaN when nothing is known. */
  List<Double> quantiles(List<Double> wanted, long now) {
    long number = Math.floorDiv(now, WINDOW_NANOS);
    Histogram all = new Histogram(LONGEST_MICROS, DIGITS);
    for (int i = 0; i < WINDOWS; i++) {
      Window window = windows.get(i);
      if (window != null && window.number > number - WINDOWS) {
        all.add(window.micros);
      }
    }
    boolean empty = all.getTotalCount() == 0;
    return wanted.stream()
        .map(q -> empty ? Double.NaN : (double) all.getValueAtPercentile(q * 100))
        .toList();
  }

  /** How many were counted since the start. */
  long count() {
    return count.sum();
  }

  /** How long they took in all, in microseconds. */
  double sum() {
    return nanosInAll.sum() / 1e3;
  }
}
