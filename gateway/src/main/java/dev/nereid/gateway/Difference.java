package dev.nereid.gateway;

import dev.nereid.gateway.Findings.Boxes;
import dev.nereid.gateway.Findings.Labels;
import dev.nereid.gateway.Findings.Vector;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * How what a shadow says of a picture differs from what the model says.
 *
 * @param different whether it counts as different
 * @param matched objects that both found; for classes and embeddings 1
 * @param missing objects that only the model found
 * @param extra objects that only the shadow found
 * @param overlapSum of the intersections over unions of matched boxes
 * @param agreed matched objects, or pictures, with the same class
 * @param scoreSum of the absolute differences of the scores of what matched
 * @param cosine of two embeddings; 0 where there are none
 */
record Difference(
    boolean different,
    int matched,
    int missing,
    int extra,
    double overlapSum,
    int agreed,
    double scoreSum,
    double cosine) {

  /** Two boxes that may be one object. */
  private record Pair(int mine, int other, double overlap) {}

  /** Compares. */
  static Difference of(Findings model, Findings shadow, TrafficPlan.Shadow plan) {
    if (model instanceof Boxes mine && shadow instanceof Boxes other) {
      return boxes(mine, other, plan.overlap());
    }
    if (model instanceof Labels mine && shadow instanceof Labels other) {
      return labels(mine, other);
    }
    if (model instanceof Vector mine && shadow instanceof Vector other) {
      return vectors(mine, other, plan.cosine());
    }
    throw new IllegalArgumentException(
        "shadow: answers %s (expected: %s)"
            .formatted(shadow.getClass().getSimpleName(), model.getClass().getSimpleName()));
  }

  /** Pairs the boxes that overlap most first, each once. */
  private static Difference boxes(Boxes mine, Boxes other, double least) {
    List<Pair> pairs = new ArrayList<>();
    for (int i = 0; i < mine.count(); i++) {
      for (int j = 0; j < other.count(); j++) {
        double overlap = overlap(mine.boxes(), 4 * i, other.boxes(), 4 * j);
        if (overlap >= least && overlap > 0) {
          pairs.add(new Pair(i, j, overlap));
        }
      }
    }
    pairs.sort(
        Comparator.comparingDouble(Pair::overlap)
            .reversed()
            .thenComparingInt(Pair::mine)
            .thenComparingInt(Pair::other));
    boolean[] usedMine = new boolean[mine.count()];
    boolean[] usedOther = new boolean[other.count()];
    int matched = 0;
    int agreed = 0;
    double overlaps = 0;
    double scores = 0;
    for (Pair pair : pairs) {
      if (!usedMine[pair.mine] && !usedOther[pair.other]) {
        usedMine[pair.mine] = true;
        usedOther[pair.other] = true;
        matched++;
        overlaps += pair.overlap;
        agreed += mine.classes()[pair.mine] == other.classes()[pair.other] ? 1 : 0;
        scores += Math.abs(mine.scores()[pair.mine] - other.scores()[pair.other]);
      }
    }
    int missing = mine.count() - matched;
    int extra = other.count() - matched;
    boolean different = missing > 0 || extra > 0 || agreed < matched;
    return new Difference(different, matched, missing, extra, overlaps, agreed, scores, 0);
  }

  private static double overlap(float[] a, int i, float[] b, int j) {
    double width = Math.min(a[i + 2], b[j + 2]) - Math.max(a[i], b[j]);
    double height = Math.min(a[i + 3], b[j + 3]) - Math.max(a[i + 1], b[j + 1]);
    if (!(width > 0 && height > 0)) {
      return 0;
    }
    double common = width * height;
    return common / (area(a, i) + area(b, j) - common);
  }

  private static double area(float[] box, int i) {
    return (double) (box[i + 2] - box[i]) * (box[i + 3] - box[i + 1]);
  }

  private static Difference labels(Labels mine, Labels other) {
    boolean any = mine.classes().length > 0 && other.classes().length > 0;
    boolean same = any && mine.classes()[0] == other.classes()[0];
    double scores = any ? Math.abs(mine.scores()[0] - other.scores()[0]) : 0;
    return new Difference(!same, any ? 1 : 0, 0, 0, 0, same ? 1 : 0, scores, 0);
  }

  private static Difference vectors(Vector mine, Vector other, double least) {
    double cosine = cosine(mine.values(), other.values());
    boolean same = cosine >= least;
    return new Difference(!same, 1, 0, 0, 0, same ? 1 : 0, 0, cosine);
  }

  /** 0 for vectors of different lengths, or without a direction. */
  private static double cosine(float[] a, float[] b) {
    if (a.length != b.length) {
      return 0;
    }
    double dot = 0;
    double squaresA = 0;
    double squaresB = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
      squaresA += (double) a[i] * a[i];
      squaresB += (double) b[i] * b[i];
    }
    double lengths = Math.sqrt(squaresA * squaresB);
    return lengths > 0 ? dot / lengths : 0;
  }
}
