package dev.nereid.client;

import java.time.Duration;

/**
 * How calls are put together.
 *
 * @param items rows that go in one call at most; no more than the model's {@code max_batch_size}
 * @param delay for which the first of them waits for others at most; zero to send each call alone
 * @param capacity rows handed in and not answered yet; more fail with a failure of kind LIMIT
 */
public record AggregationOptions(int items, Duration delay, int capacity) {
  /** 32 items, 10 ms, and room for 4,096. */
  public static final AggregationOptions DEFAULT =
      new AggregationOptions(32, Duration.ofMillis(10), 4096);

  public AggregationOptions {
    if (items < 1) {
      throw new IllegalArgumentException("items: " + items + " (expected: >= 1)");
    }
    if (delay.isNegative()) {
      throw new IllegalArgumentException("delay: " + delay + " (expected: not negative)");
    }
    if (capacity < items) {
      throw new IllegalArgumentException("capacity: " + capacity + " (expected: >= " + items + ")");
    }
  }

  /** The same with at most so many items in a call. */
  public AggregationOptions withItems(int most) {
    return new AggregationOptions(most, delay, capacity);
  }

  /** The same with another wait. */
  public AggregationOptions withDelay(Duration other) {
    return new AggregationOptions(items, other, capacity);
  }

  /** The same with room for so many items. */
  public AggregationOptions withCapacity(int most) {
    return new AggregationOptions(items, delay, most);
  }
}
