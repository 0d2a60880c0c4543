package dev.nereid.access;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What is left to one caller of its limits. Thread-safe.
 *
 * <p>The rate is kept as one instant (GCRA): that at which the caller, at its rate, would have been
 * due with its next request. A request may come a burst before it.
 */
final class Budget {
  /** Let in. */
  static final long GRANTED = 0;

  /** Refused: as many at a time as are allowed. */
  static final long BUSY = -1;

  private final CallerLimits limits;
  private final long intervalNanos;
  private final long burstNanos;
  private final AtomicLong dueNanos;
  private final AtomicInteger running = new AtomicInteger();

  Budget(CallerLimits limits, long nowNanos) {
    this.limits = limits;
    double second = TimeUnit.SECONDS.toNanos(1);
    intervalNanos = limits.perSecond() == 0 ? 0 : (long) Math.ceil(second / limits.perSecond());
    burstNanos = intervalNanos * (limits.burst() - 1L);
    dueNanos = new AtomicLong(nowNanos);
  }

  CallerLimits limits() {
    return limits;
  }

  /** Requests let in that have not ended. */
  int running() {
    return running.get();
  }

  /**
   * Asks for one request more.
   *
   * @return {@link #GRANTED}, {@link #BUSY}, or the nanoseconds after which to ask again
   */
  long enter(long nowNanos) {
    if (running.incrementAndGet() > limits.concurrency() && limits.concurrency() > 0) {
      running.decrementAndGet();
      return BUSY;
    }
    long wait = intervalNanos == 0 ? GRANTED : take(nowNanos);
    if (wait != GRANTED) {
      running.decrementAndGet();
    }
    return wait;
  }

  /** A request that was let in has ended. */
  void leave() {
    running.decrementAndGet();
  }

  private long take(long now) {
    while (true) {
      long due = dueNanos.get();
      long early = due - now - burstNanos;
      if (early > 0) {
        return early;
      }
      long from = due - now > 0 ? due : now;
      if (dueNanos.compareAndSet(due, from + intervalNanos)) {
        return GRANTED;
      }
    }
  }
}
