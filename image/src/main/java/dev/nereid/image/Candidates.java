package dev.nereid.image;

import java.util.Arrays;

/**
 * Boxes before suppression, in arrays that are used again for the next picture.
 *
 * <p><b>Threading.</b> For one thread at a time.
 */
public final class Candidates {
  private static final float[] NO_FLOATS = {};
  private static final int[] NO_INTS = {};

  int count;
  float[] boxes = NO_FLOATS;
  float[] scores = NO_FLOATS;
  int[] classes = NO_INTS;
  int[] cells = NO_INTS;

  float[] best = NO_FLOATS;
  int[] bestClass = NO_INTS;
  float[] row = NO_FLOATS;
  float[] objects = NO_FLOATS;
  private float threshold;

  /** How many there are. */
  public int count() {
    return count;
  }

  /** Left edge, in pixels of the network's input. */
  public float x1(int candidate) {
    return boxes[candidate * 4];
  }

  /** Upper edge, in pixels of the network's input. */
  public float y1(int candidate) {
    return boxes[candidate * 4 + 1];
  }

  /** Right edge, in pixels of the network's input. */
  public float x2(int candidate) {
    return boxes[candidate * 4 + 2];
  }

  /** Lower edge, in pixels of the network's input. */
  public float y2(int candidate) {
    return boxes[candidate * 4 + 3];
  }

  /** How sure the network is of the best class. */
  public float score(int candidate) {
    return scores[candidate];
  }

  /** The best class, from 0. */
  public int classIndex(int candidate) {
    return classes[candidate];
  }

  /** Forgets all and makes room for one candidate in each cell. */
  void reset(int most, float scoreThreshold) {
    if (best.length < most) {
      boxes = new float[most * 4];
      scores = new float[most];
      classes = new int[most];
      cells = new int[most];
      best = new float[most];
      bestClass = new int[most];
      row = new float[most];
      objects = new float[most];
    }
    threshold = scoreThreshold;
    Arrays.fill(best, 0, most, scoreThreshold);
    count = 0;
  }

  /** Takes the cells that some class has lifted above the threshold. */
  void collect(int most) {
    for (int cell = 0; cell < most; cell++) {
      if (best[cell] > threshold) {
        scores[count] = best[cell];
        classes[count] = bestClass[cell];
        cells[count] = cell;
        count++;
      }
    }
  }

  /** Gives one of the collected its box; those left out in between are gone. */
  void keep(int collected, float x1, float y1, float x2, float y2) {
    scores[count] = scores[collected];
    classes[count] = classes[collected];
    cells[count] = cells[collected];
    int at = count++ * 4;
    boxes[at] = x1;
    boxes[at + 1] = y1;
    boxes[at + 2] = x2;
    boxes[at + 3] = y2;
  }
}
