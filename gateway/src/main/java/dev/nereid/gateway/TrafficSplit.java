package dev.nereid.gateway;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Chooses arms by their weights. Thread-safe.
 *
 * <p>Without a key, requests take points of an even sequence (multiples of the golden ratio, modulo
 * 1), so that the shares hold in every stretch of requests, not only on average. With a key, the
 * arm is the one with the highest score by weighted rendezvous: a key stays where it is as long as
 * the weights do, and when one weight changes, only keys that have to move do, to or from that arm.
 */
final class TrafficSplit {
  private static final long GOLDEN = 0x9e3779b97f4a7c15L;
  private static final double UNIT = 0x1p-53;

  private final List<TrafficArm> arms;
  private final long[] salts;
  private final double sum;
  private final AtomicLong turn = new AtomicLong();

  TrafficSplit(List<TrafficArm> arms) {
    this.arms = arms;
    salts = new long[arms.size()];
    double weights = 0;
    for (int i = 0; i < salts.length; i++) {
      salts[i] = hash(arms.get(i).name());
      weights += arms.get(i).weight();
    }
    sum = weights;
  }

  /** The arm whose turn it is. */
  TrafficArm next() {
    double point = unit(turn.getAndIncrement() * GOLDEN) * sum;
    TrafficArm last = arms.getFirst();
    for (TrafficArm arm : arms) {
      if (arm.weight() > 0) {
        last = arm;
        point -= arm.weight();
        if (point < 0) {
          return arm;
        }
      }
    }
    return last;
  }

  /** The arm of a key. */
  TrafficArm of(long key) {
    TrafficArm best = arms.getFirst();
    double highest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < salts.length; i++) {
      TrafficArm arm = arms.get(i);
      double score = arm.weight() / -Math.log(unit(mix(key ^ salts[i])) + UNIT / 2);
      if (arm.weight() > 0 && score > highest) {
        highest = score;
        best = arm;
      }
    }
    return best;
  }

  /** A number for a text; alike texts have nothing in common in theirs. */
  static long hash(String text) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }
    return mix(hash);
  }

  /** Every bit of the result depends on every bit of the value. */
  static long mix(long value) {
    long mixed = (value ^ (value >>> 30)) * 0xbf58476d1ce4e5b9L;
    mixed = (mixed ^ (mixed >>> 27)) * 0x94d049bb133111ebL;
    return mixed ^ (mixed >>> 31);
  }

  private static double unit(long bits) {
    return (bits >>> 11) * UNIT;
  }
}
