package dev.nereid.image;

import java.util.Arrays;

/**
 * Greedy non-maximum suppression: the best box is kept, those of its class that overlap it too much
 * go, and so on. Immutable; any number of threads.
 *
 * @param iouThreshold a box goes when its intersection over union with a kept one is above it
 * @param maxDetections at most kept
 * @param maxCandidates the best so many are looked at
 * @param classAgnostic whether boxes of different classes suppress each other
 */
public record Nms(float iouThreshold, int maxDetections, int maxCandidates, boolean classAgnostic) {
  /** What Ultralytics does by default: IoU 0.7, 300 detections of 30,000 candidates, by class. */
  public static final Nms DEFAULT = new Nms(0.7f, 300, 30_000, false);

  public Nms {
    if (!(iouThreshold >= 0 && iouThreshold <= 1)) {
      throw new IllegalArgumentException("iou_threshold: " + iouThreshold + " (expected: 0 to 1)");
    }
    if (maxDetections < 1 || maxCandidates < maxDetections) {
      throw new IllegalArgumentException(
          "max_detections: "
              + maxDetections
              + " (expected: 1 to the number of candidates, "
              + maxCandidates
              + ")");
    }
  }

  /** The candidates that are kept, as places in {@code candidates}, best first. */
  public int[] keep(Candidates candidates) {
    long[] order = byScore(candidates);
    int most = Math.min(order.length, maxCandidates);
    int[] kept = new int[Math.min(most, maxDetections)];
    int count = 0;
    for (int i = 0; i < most && count < kept.length; i++) {
      int candidate = (int) order[i];
      if (!isSuppressed(candidate, kept, count, candidates)) {
        kept[count++] = candidate;
      }
    }
    return Arrays.copyOf(kept, count);
  }

  /** Scores are positive, so their bits are in their order; equal ones keep that of the cells. */
  private static long[] byScore(Candidates candidates) {
    long[] order = new long[candidates.count];
    for (int i = 0; i < order.length; i++) {
      order[i] = (long) ~Float.floatToRawIntBits(candidates.scores[i]) << 32 | i;
    }
    Arrays.sort(order);
    return order;
  }

  private boolean isSuppressed(int candidate, int[] kept, int count, Candidates candidates) {
    float[] boxes = candidates.boxes;
    int[] classes = candidates.classes;
    int at = candidate * 4;
    float x1 = boxes[at];
    float y1 = boxes[at + 1];
    float x2 = boxes[at + 2];
    float y2 = boxes[at + 3];
    float area = (x2 - x1) * (y2 - y1);
    for (int i = 0; i < count; i++) {
      int other = kept[i] * 4;
      if (!classAgnostic && classes[kept[i]] != classes[candidate]) {
        continue;
      }
      float width = Math.min(x2, boxes[other + 2]) - Math.max(x1, boxes[other]);
      float height = Math.min(y2, boxes[other + 3]) - Math.max(y1, boxes[other + 1]);
      if (width <= 0 || height <= 0) {
        continue;
      }
      float shared = width * height;
      float otherArea = (boxes[other + 2] - boxes[other]) * (boxes[other + 3] - boxes[other + 1]);
      if (shared > iouThreshold * (area + otherArea - shared)) {
        return true;
      }
    }
    return false;
  }
}
