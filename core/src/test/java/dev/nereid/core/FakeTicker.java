package dev.nereid.core;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/** A clock that stands still until the test moves it. Thread-safe. */
public final class FakeTicker implements Ticker {
  private final AtomicLong now = new AtomicLong(1_000_000_000L);

  @Override
  public long nanos() {
    return now.get();
  }

  /** Moves the clock on. */
  public void advance(Duration by) {
    now.addAndGet(by.toNanos());
  }
}
