package dev.nereid.client;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What a target did in the last minute: how long its latest calls took, and second by second how
 * many there were. Thread-safe.
 */
final class TargetLoad {
  private static final int SAMPLES = 2048;
  private static final int MODEL_SAMPLES = 64;
  private static final int SECONDS = 64;
  private static final long RECENT_NANOS = TimeUnit.SECONDS.toNanos(10);

  /** A plateau: so much more is asked, and hardly more is done. */
  private static final double ASKED_MORE = 1.5;

  private static final double DONE_MORE = 1.05;
  private static final int PLATEAU_SECONDS = 5;
  private static final double BUSY = 8;

  private final ReentrantLock counting = new ReentrantLock();
  // guarded by counting
  private final RecentTimes times = new RecentTimes(SAMPLES);
  private final Map<String, RecentTimes> timesByModel = new HashMap<>();
  private final Second[] seconds = new Second[SECONDS];

  /** What happened in one second. */
  private static final class Second {
    private long number = Long.MIN_VALUE;
    private long done;
    private long refused;
    private double inFlight;
  }

  TargetLoad() {
    Arrays.setAll(seconds, _ -> new Second());
  }

  /** A call was answered. */
  void answered(long now, String model, long nanos) {
    counting.lock();
    try {
      times.add(now, nanos);
      timesByModel.computeIfAbsent(model, _ -> new RecentTimes(MODEL_SAMPLES)).add(now, nanos);
      second(now).done++;
    } finally {
      counting.unlock();
    }
  }

  /** There was no connection for a call. */
  void refused(long now) {
    counting.lock();
    try {
      second(now).refused++;
    } finally {
      counting.unlock();
    }
  }

  /** Remembers the most calls in flight in this second. */
  void inFlight(long now, int calls) {
    counting.lock();
    try {
      Second second = second(now);
      second.inFlight = Math.max(second.inFlight, calls);
    } finally {
      counting.unlock();
    }
  }

  private Second second(long now) {
    long number = TimeUnit.NANOSECONDS.toSeconds(now);
    Second second = seconds[(int) Math.floorMod(number, (long) SECONDS)];
    if (second.number != number) {
      second.number = number;
      second.done = 0;
      second.refused = 0;
      second.inFlight = 0;
    }
    return second;
  }

  /** What is told of the last seconds. */
  record Summary(
      int calls, double perSecond, long p50Nanos, long p99Nanos, long refused, boolean plateau) {}

  Summary summary(long now) {
    counting.lock();
    try {
      long[] recent = times.within(now, RECENT_NANOS);
      long refused = 0;
      long done = 0;
      long newest = TimeUnit.NANOSECONDS.toSeconds(now);
      for (Second second : seconds) {
        if (second.number > newest - 10 && second.number <= newest) {
          refused += second.refused;
          done += second.done;
        }
      }
      return new Summary(
          recent.length,
          done / 10.0,
          RecentTimes.quantile(recent, 0.5),
          RecentTimes.quantile(recent, 0.99),
          refused,
          isPlateau(newest));
    } finally {
      counting.unlock();
    }
  }

  /**
   * The usual time of a model's latest calls; -1 when there were fewer than so many.
   *
   * @param atMost how many of the latest count
   */
  long medianNanos(String model, long now, long withinNanos, int atLeast, int atMost) {
    counting.lock();
    try {
      RecentTimes known = timesByModel.get(model);
      long[] recent = known == null ? new long[0] : known.latest(atMost, now, withinNanos);
      return recent.length < atLeast ? -1 : RecentTimes.quantile(recent, 0.5);
    } finally {
      counting.unlock();
    }
  }

  /** Forgets how long calls took, because that says nothing of the next ones. */
  void forgetTimes() {
    counting.lock();
    try {
      times.clear();
      timesByModel.clear();
    } finally {
      counting.unlock();
    }
  }

  /** Compares the last whole seconds with those before them. */
  private boolean isPlateau(long newest) {
    double askedNow = 0;
    double askedBefore = 0;
    long doneNow = 0;
    long doneBefore = 0;
    int whole = 0;
    for (Second second : seconds) {
      long age = newest - second.number;
      if (age >= 1 && age <= PLATEAU_SECONDS) {
        askedNow += second.inFlight;
        doneNow += second.done;
        whole++;
      } else if (age > PLATEAU_SECONDS && age <= 2 * PLATEAU_SECONDS) {
        askedBefore += second.inFlight;
        doneBefore += second.done;
        whole++;
      }
    }
    return whole == 2 * PLATEAU_SECONDS
        && askedNow / PLATEAU_SECONDS >= BUSY
        && askedNow >= ASKED_MORE * askedBefore
        && doneNow <= DONE_MORE * doneBefore;
  }
}
