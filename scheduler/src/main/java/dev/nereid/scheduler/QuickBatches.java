package dev.nereid.scheduler;

/**
 * Remembers how long batches of a model take, by their size in bytes, and so which are quicker to
 * run than to hand to another thread: waking a thread and being woken by it costs 10 to 20
 * microseconds (docs/decisions/0009-quick-batches-inline.md).
 *
 * <p>Not thread-safe: guarded by the scheduler's lock.
 */
final class QuickBatches {
  /** What an event loop may spend on one batch: about what it takes to read and write its bytes. */
  static final long MOST_NANOS = 50_000;

  /**
   * So many batches of a size have been seen before one of that size is called quick, and the mean
   * is over about so many: one that took a second closes the gate for some 150.
   */
  static final int ENOUGH = 16;

  // by the number of bits of the bytes
  private final long[] meanNanos = new long[Long.SIZE];
  private final int[] seen = new int[Long.SIZE];

  /** Whether batches of about that size have lately been quick, in the mean. */
  boolean allows(long bytes) {
    int size = sizeOf(bytes);
    return seen[size] >= ENOUGH && meanNanos[size] <= MOST_NANOS;
  }

  /** A batch has been run in that time. */
  void ran(long bytes, long nanos) {
    int size = sizeOf(bytes);
    seen[size] = Math.min(seen[size] + 1, ENOUGH);
    meanNanos[size] += (nanos - meanNanos[size]) / seen[size];
  }

  private static int sizeOf(long bytes) {
    return Long.SIZE - Long.numberOfLeadingZeros(bytes);
  }
}
