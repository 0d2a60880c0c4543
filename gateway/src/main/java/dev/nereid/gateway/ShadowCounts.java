package dev.nereid.gateway;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** What was found by comparing one shadow. Thread-safe. */
final class ShadowCounts {
  private static final int REMEMBERED = 10;

  private final ReentrantLock lock = new ReentrantLock();

  // guarded by lock
  private long compared;
  private long different;
  private long failed;
  private long skipped;
  private long matched;
  private long missing;
  private long extra;
  private long agreed;
  private long vectors;
  private double overlaps;
  private double scores;
  private double cosines;
  private double lowestCosine = 1;
  private final Deque<Example> examples = new ArrayDeque<>();

  /** A request whose answers differed. */
  record Example(String requestId, Difference difference) {}

  /**
   * The counts at one moment.
   *
   * @param compared pictures that both answered
   * @param failed copies that the shadow did not answer, or not with the same outputs
   * @param skipped copies that were not made because too many were under way
   * @param overlaps sum over matched boxes
   * @param vectors embeddings compared
   * @param examples the last that differed
   */
  record Totals(
      long compared,
      long different,
      long failed,
      long skipped,
      long matched,
      long missing,
      long extra,
      long agreed,
      double overlaps,
      double scores,
      long vectors,
      double cosines,
      double lowestCosine,
      List<Example> examples) {
    double differenceRatio() {
      return ratio((double) different, compared);
    }

    double meanOverlap() {
      return ratio(overlaps, matched);
    }

    double agreement() {
      return ratio((double) agreed, matched);
    }

    double meanScoreDifference() {
      return ratio(scores, matched);
    }

    double meanCosine() {
      return ratio(cosines, vectors);
    }

    private static double ratio(double part, long whole) {
      return whole == 0 ? 0 : part / whole;
    }
  }

  void compared(String requestId, Difference difference, boolean isVector) {
    lock.lock();
    try {
      compared++;
      matched += difference.matched();
      missing += difference.missing();
      extra += difference.extra();
      agreed += difference.agreed();
      overlaps += difference.overlapSum();
      scores += difference.scoreSum();
      if (isVector) {
        vectors++;
        cosines += difference.cosine();
        lowestCosine = Math.min(lowestCosine, difference.cosine());
      }
      if (difference.different()) {
        different++;
        examples.addLast(new Example(requestId, difference));
        if (examples.size() > REMEMBERED) {
          examples.removeFirst();
        }
      }
    } finally {
      lock.unlock();
    }
  }

  void failed() {
    lock.lock();
    try {
      failed++;
    } finally {
      lock.unlock();
    }
  }

  void skipped() {
    lock.lock();
    try {
      skipped++;
    } finally {
      lock.unlock();
    }
  }

  Totals totals() {
    lock.lock();
    try {
      return new Totals(
          compared,
          different,
          failed,
          skipped,
          matched,
          missing,
          extra,
          agreed,
          overlaps,
          scores,
          vectors,
          cosines,
          vectors == 0 ? 0 : lowestCosine,
          List.copyOf(examples));
    } finally {
      lock.unlock();
    }
  }
}
