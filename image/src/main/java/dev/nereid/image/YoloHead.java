package dev.nereid.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/**
 * How the output of a YOLO detector is laid out: a centre and size and a score for each class, for
 * each of thousands of cells. Nothing of it is guessed from the values. Immutable.
 *
 * @param layout which of the two dimensions is outermost
 * @param objectness whether a row after the box tells how likely the cell holds anything, to be
 *     multiplied with each class score (YOLOv5 and its like)
 * @param unit what boxes are measured in
 */
public record YoloHead(Layout layout, boolean objectness, Unit unit) {
  private static final int BOX_ROWS = 4;

  /** What Ultralytics exports for YOLOv8 and later. */
  public static final YoloHead V8 = new YoloHead(Layout.ROWS_FIRST, false, Unit.PIXELS);

  /** Which dimension is outermost. */
  public enum Layout {
    /** [4 + classes, cells]. */
    ROWS_FIRST,
    /** [cells, 4 + classes]. */
    CELLS_FIRST
  }

  /** What boxes are measured in. */
  public enum Unit {
    /** Pixels of the network's input. */
    PIXELS,
    /** Shares of the network's input, 0 to 1. */
    SHARES
  }

  /** The number of rows before the first class. */
  public int rowsBeforeClasses() {
    return BOX_ROWS + (objectness ? 1 : 0);
  }

  /**
   * Finds the cells whose best class scores above the threshold.
   *
   * @param output FP32, little-endian, from its position on
   * @param rows of the output: the box, the objectness if there is one, the classes
   * @param letterbox gives the input's size when boxes are shares of it
   * @param candidates where they go; cleared first
   */
  public void read(
      ByteBuffer output,
      int rows,
      int cells,
      float threshold,
      Letterbox letterbox,
      Candidates candidates) {
    FloatBuffer values = output.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    if (rows <= rowsBeforeClasses() || (long) rows * cells > values.remaining()) {
      throw new IllegalArgumentException(
          "output: %d rows, %d cells, %d values (expected: more than %d rows, rows x cells values)"
              .formatted(rows, cells, values.remaining(), rowsBeforeClasses()));
    }
    candidates.reset(cells, threshold);
    if (layout == Layout.ROWS_FIRST) {
      scoreRows(values, rows, cells, candidates);
    } else {
      scoreCells(values, rows, cells, candidates);
    }
    readBoxes(values, layout == Layout.ROWS_FIRST ? cells : rows, letterbox, candidates);
  }

  /** Reads the boxes of the cells found; one that is not finite is no box. */
  private void readBoxes(
      FloatBuffer values, int stride, Letterbox letterbox, Candidates candidates) {
    float scaleX = unit == Unit.SHARES ? letterbox.inputWidth() : 1;
    float scaleY = unit == Unit.SHARES ? letterbox.inputHeight() : 1;
    boolean rowsFirst = layout == Layout.ROWS_FIRST;
    int step = rowsFirst ? stride : 1;
    int found = candidates.count;
    candidates.count = 0;
    for (int i = 0; i < found; i++) {
      int at = candidates.cells[i] * (rowsFirst ? 1 : stride);
      float x = values.get(at) * scaleX;
      float y = values.get(at + step) * scaleY;
      float halfWidth = values.get(at + 2 * step) * scaleX / 2;
      float halfHeight = values.get(at + 3 * step) * scaleY / 2;
      if (Float.isFinite(x + y + halfWidth + halfHeight)) {
        candidates.keep(i, x - halfWidth, y - halfHeight, x + halfWidth, y + halfHeight);
      }
    }
  }

  /** Row after row, as they lie in memory: each class is held against the best one so far. */
  private void scoreRows(FloatBuffer values, int rows, int cells, Candidates candidates) {
    float[] best = candidates.best;
    int[] bestClass = candidates.bestClass;
    float[] row = candidates.row;
    float[] objects = candidates.objects;
    if (objectness) {
      values.get(BOX_ROWS * cells, objects, 0, cells);
    }
    int first = rowsBeforeClasses();
    for (int index = first; index < rows; index++) {
      values.get(index * cells, row, 0, cells);
      if (objectness) {
        for (int cell = 0; cell < cells; cell++) {
          row[cell] *= objects[cell];
        }
      }
      for (int cell = 0; cell < cells; cell++) {
        if (row[cell] > best[cell]) {
          best[cell] = row[cell];
          bestClass[cell] = index - first;
        }
      }
    }
    candidates.collect(cells);
  }

  private void scoreCells(FloatBuffer values, int rows, int cells, Candidates candidates) {
    float[] best = candidates.best;
    int[] bestClass = candidates.bestClass;
    float[] row = rows <= candidates.row.length ? candidates.row : new float[rows];
    int first = rowsBeforeClasses();
    for (int cell = 0; cell < cells; cell++) {
      values.get(cell * rows, row, 0, rows);
      float object = objectness ? row[BOX_ROWS] : 1;
      for (int index = first; index < rows; index++) {
        float score = row[index] * object;
        if (score > best[cell]) {
          best[cell] = score;
          bestClass[cell] = index - first;
        }
      }
    }
    candidates.collect(cells);
  }
}
