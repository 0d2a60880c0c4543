package dev.nereid.http;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * A bounded queue from many threads to one. Putting never waits, never locks and wakes nobody: the
 * one reader comes by in its own time.
 */
final class LineQueue<T> {
  /*
   * A producer reserves a slot by moving `tail`, then fills it. The reader takes the slot at `head`
   * once it is filled, empties it, and only then moves `head`; so a slot that a producer reserves
   * (tail - head < capacity) has been emptied before.
   */
  private final AtomicReferenceArray<@Nullable T> slots;
  private final int mask;
  private final AtomicLong tail = new AtomicLong();
  private final AtomicLong head = new AtomicLong(); // moved by the reader only

  LineQueue(int capacity) {
    if (Integer.bitCount(capacity) != 1) {
      throw new IllegalArgumentException("capacity: " + capacity + " (expected: a power of two)");
    }
    slots = new AtomicReferenceArray<>(capacity);
    mask = capacity - 1;
  }

  /** Puts an item in; false when the queue is full. Any thread. */
  boolean offer(T item) {
    long slot = tail.get();
    while (slot - head.get() <= mask) {
      long seen = tail.compareAndExchange(slot, slot + 1);
      if (seen == slot) {
        slots.setRelease((int) slot & mask, item);
        return true;
      }
      slot = seen;
    }
    return false;
  }

  /** Takes the oldest item, or null when none is there. The reader only. */
  @Nullable T poll() {
    long slot = head.get();
    int index = (int) slot & mask;
    T item = slots.getAcquire(index);
    if (item != null) {
      slots.setRelease(index, null);
      head.set(slot + 1);
    }
    return item;
  }
}
