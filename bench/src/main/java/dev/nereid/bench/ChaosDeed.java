package dev.nereid.bench;

import java.util.SplittableRandom;

/** What an actor may do next, with how often out of a hundred. */
enum ChaosDeed {
  /** Asks and waits; the answer must be right. */
  CALL(45),
  /** Asks, and withdraws at a random moment. */
  CANCEL(15),
  /** Asks with hardly any time. */
  HURRY(12),
  /** Opens connections of its own, asks, and drops them. */
  DISCONNECT(4),
  /** Sends half a request and goes away. */
  HALF_REQUEST(6),
  /** Asks what contradicts the model; must be refused. */
  NONSENSE(8),
  /** Asks a model that fails; must be told so. */
  FAIL(10);

  private static final int TOTAL = 100;
  private final int weight;

  ChaosDeed(int weight) {
    this.weight = weight;
  }

  static ChaosDeed next(SplittableRandom random) {
    int left = random.nextInt(TOTAL);
    for (ChaosDeed deed : values()) {
      left -= deed.weight;
      if (left < 0) {
        return deed;
      }
    }
    return CALL;
  }
}
