package dev.nereid.bench;

import java.util.ArrayDeque;

/** Says when throughput stopped rising, so that counting may begin. Not thread-safe. */
final class Stability {
  private static final int SECONDS = 3;
  private static final int LEAST_SECONDS = 5;
  private static final int MOST_SECONDS = 30;
  private static final double SPREAD = 0.05;

  private final ArrayDeque<Long> last = new ArrayDeque<>();
  private int seen;

  /**
   * Adds a second.
   *
   * @return whether the last three differ by at most 5 %, or thirty have passed
   */
  boolean isReachedWith(long completed) {
    seen++;
    last.addLast(completed);
    if (last.size() > SECONDS) {
      last.removeFirst();
    }
    if (seen >= MOST_SECONDS) {
      return true;
    }
    long least = last.stream().mapToLong(Long::longValue).min().orElse(0);
    long most = last.stream().mapToLong(Long::longValue).max().orElse(0);
    return seen >= LEAST_SECONDS && least > 0 && most - least <= SPREAD * most;
  }
}
