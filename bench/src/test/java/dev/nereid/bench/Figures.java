package dev.nereid.bench;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Assumptions;

/**
 * Figures that other work on the machine can spoil. A tool that is wrong is wrong every time; a
 * machine that is busy is not, and shows: a thread that only looks at the clock misses its time. An
 * attempt that failed meanwhile does not count, and where none can be counted nothing is judged.
 */
@FunctionalInterface
interface Figures {
  /** How many attempts must fail while the machine kept its times. */
  int COUNTED = 3;

  /** How many are made at most. */
  int MOST = 6;

  long STALL_NANOS = TimeUnit.MILLISECONDS.toNanos(25);

  void check() throws Exception;

  static void hold(Figures figures) throws Exception {
    int counted = 0;
    AssertionError last = null;
    for (int attempt = 0; attempt < MOST && counted < COUNTED; attempt++) {
      try (var watch = new Watch()) {
        try {
          figures.check();
          return;
        } catch (AssertionError e) {
          last = e;
          counted += watch.longestNanos.get() < STALL_NANOS ? 1 : 0;
        }
      }
    }
    if (last != null && counted == COUNTED) {
      throw last;
    }
    Assumptions.abort("the machine never kept its own times: " + last);
  }

  /** Looks at the clock every few milliseconds. */
  final class Watch implements AutoCloseable {
    final AtomicLong longestNanos = new AtomicLong();
    private final Thread thread = Thread.ofPlatform().daemon().start(this::look);
    private volatile boolean over;

    private void look() {
      long step = TimeUnit.MILLISECONDS.toNanos(2);
      long last = System.nanoTime();
      while (!over) {
        LockSupport.parkNanos(step);
        long now = System.nanoTime();
        longestNanos.accumulateAndGet(now - last - step, Math::max);
        last = now;
      }
    }

    @Override
    public void close() {
      over = true;
      LockSupport.unpark(thread);
    }
  }
}
