package dev.nereid.scheduler;

import java.util.concurrent.atomic.AtomicLong;

/** Gives every load of a model a number that no other has in this process. Thread-safe. */
final class LoadNumbers {
  private static final AtomicLong LAST = new AtomicLong();

  private LoadNumbers() {}

  static long next() {
    return LAST.incrementAndGet();
  }
}
