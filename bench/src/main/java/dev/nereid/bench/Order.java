package dev.nereid.bench;

import java.util.SplittableRandom;

/**
 * A repeated walk through a shuffled sequence, beginning anywhere and with a stride that reaches
 * every element: orders of many callers share one array and still differ. Not thread-safe.
 */
final class Order {
  private final int[] shuffled;
  private final int stride;
  private int at;

  Order(int[] shuffled, SplittableRandom random) {
    this.shuffled = shuffled;
    this.at = random.nextInt(shuffled.length);
    int step = 1 + random.nextInt(shuffled.length);
    while (gcd(step, shuffled.length) != 1) {
      step = step == shuffled.length ? 1 : step + 1;
    }
    this.stride = step;
  }

  /** The numbers below the bound in random order. */
  static int[] shuffle(int count, SplittableRandom random) {
    int[] sequence = new int[count];
    for (int i = 0; i < count; i++) {
      int j = random.nextInt(i + 1);
      sequence[i] = sequence[j];
      sequence[j] = i;
    }
    return sequence;
  }

  int next() {
    int value = shuffled[at];
    at = (int) (((long) at + stride) % shuffled.length);
    return value;
  }

  private static int gcd(int a, int b) {
    return b == 0 ? a : gcd(b, a % b);
  }
}
