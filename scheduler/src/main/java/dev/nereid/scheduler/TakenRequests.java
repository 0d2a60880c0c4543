package dev.nereid.scheduler;

import java.time.Duration;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** How many requests were taken and have no outcome yet. Thread-safe. */
final class TakenRequests {
  private final ReentrantLock counting = new ReentrantLock();
  private final Condition idle = counting.newCondition();
  private int taken; // guarded by counting
  private boolean draining; // guarded by counting

  /** Counts so many more; false when no more are taken. */
  boolean enter(int requests) {
    counting.lock();
    try {
      if (draining) {
        return false;
      }
      taken += requests;
      return true;
    } finally {
      counting.unlock();
    }
  }

  /** One has its outcome. */
  void left() {
    counting.lock();
    try {
      taken--;
      if (taken == 0) {
        idle.signalAll();
      }
    } finally {
      counting.unlock();
    }
  }

  /** Takes no more. */
  void refuse() {
    counting.lock();
    try {
      draining = true;
    } finally {
      counting.unlock();
    }
  }

  /**
   * Takes no more and waits for those taken.
   *
   * @return nanoseconds left of the time; 0 or less when some were left at its end
   */
  long drain(Duration atMost) throws InterruptedException {
    long left = atMost.toNanos();
    counting.lock();
    try {
      draining = true;
      while (taken > 0 && left > 0) {
        left = idle.awaitNanos(left);
      }
      return taken > 0 ? Math.min(left, 0) : Math.max(1, left);
    } finally {
      counting.unlock();
    }
  }
}
