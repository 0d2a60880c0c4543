package dev.nereid.bench;

import java.time.Duration;

/**
 * Says for what the time suffices: estimates are corrected by how long that which was estimated
 * took. Not thread-safe.
 */
final class BudgetClock {
  private static final double LEAST = 0.5;
  private static final double MOST = 3;

  private final long end;
  private double estimated;
  private double taken;

  /**
   * A clock.
   *
   * @param startNanos from when on the budget counts, as {@link System#nanoTime}
   */
  BudgetClock(long startNanos, Duration budget) {
    end = startNanos + budget.toNanos();
  }

  /** Whether what was estimated so will be done in time. */
  boolean hasFor(double seconds) {
    return minutesFor(seconds) <= minutesLeft();
  }

  /** Something took so long. */
  void took(double estimate, double seconds) {
    estimated += estimate;
    taken += seconds;
  }

  double minutesLeft() {
    return (end - System.nanoTime()) / 60e9;
  }

  /** What was estimated so will take this. */
  double minutesFor(double seconds) {
    double factor = estimated == 0 ? 1 : Math.clamp(taken / estimated, LEAST, MOST);
    return factor * seconds / 60;
  }
}
