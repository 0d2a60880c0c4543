package dev.nereid.client;

import java.util.Arrays;

/** How long the latest calls took; older ones give way. Confined, or guarded by its holder. */
final class RecentTimes {
  private final long[] tookNanos;
  private final long[] endedNanos;
  private int next;
  private int count;

  RecentTimes(int most) {
    tookNanos = new long[most];
    endedNanos = new long[most];
  }

  void add(long now, long nanos) {
    tookNanos[next] = nanos;
    endedNanos[next] = now;
    next = (next + 1) % tookNanos.length;
    count = Math.min(count + 1, tookNanos.length);
  }

  void clear() {
    count = 0;
    next = 0;
  }

  /** Those that ended within so long before now, ascending. */
  long[] within(long now, long nanos) {
    return latest(count, now, nanos);
  }

  /** Of the latest so many, those that ended within so long before now, ascending. */
  long[] latest(int most, long now, long nanos) {
    long[] recent = new long[Math.min(most, count)];
    int found = 0;
    for (int i = 1; i <= recent.length; i++) {
      int at = Math.floorMod(next - i, tookNanos.length);
      if (now - endedNanos[at] <= nanos) {
        recent[found++] = tookNanos[at];
      }
    }
    long[] sorted = Arrays.copyOf(recent, found);
    Arrays.sort(sorted);
    return sorted;
  }

  /** The smallest value that so large a share does not exceed; 0 without values. */
  static long quantile(long[] sorted, double share) {
    return sorted.length == 0
        ? 0
        : sorted[(int) Math.min(sorted.length - 1, share * sorted.length)];
  }
}
