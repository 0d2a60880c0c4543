package dev.nereid.telemetry;

import java.util.concurrent.atomic.LongAdder;

/** A number that only grows. Thread-safe. */
public final class Counter {
  private final LongAdder value = new LongAdder();

  /** Adds one. */
  public void increment() {
    value.increment();
  }

  /** Adds some. */
  public void add(long amount) {
    value.add(amount);
  }

  /** The total so far. */
  public long total() {
    return value.sum();
  }
}
