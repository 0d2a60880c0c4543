package dev.nereid.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class NmsTest {
  private static final Letterbox SQUARE = new Letterbox(1, 1, 0, 0, 640, 640, 640, 640);

  private final Candidates candidates = new Candidates();

  /** One cell: centre, size, and the score of each class. */
  private static float[] cell(float x, float y, float width, float height, float... scores) {
    float[] cell = new float[4 + scores.length];
    cell[0] = x;
    cell[1] = y;
    cell[2] = width;
    cell[3] = height;
    System.arraycopy(scores, 0, cell, 4, scores.length);
    return cell;
  }

  private int[] detect(YoloHead head, Nms nms, float threshold, float[]... cells) {
    int rows = cells[0].length;
    ByteBuffer output = direct(head.layout(), cells);
    head.read(output, rows, cells.length, threshold, SQUARE, candidates);
    return nms.keep(candidates);
  }

  private static ByteBuffer direct(YoloHead.Layout layout, float[]... cells) {
    int rows = cells[0].length;
    ByteBuffer output =
        ByteBuffer.allocateDirect(cells.length * rows * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (int cell = 0; cell < cells.length; cell++) {
      for (int row = 0; row < rows; row++) {
        int at =
            layout == YoloHead.Layout.ROWS_FIRST ? row * cells.length + cell : cell * rows + row;
        output.putFloat(at * 4, cells[cell][row]);
      }
    }
    return output;
  }

  @Test
  void ofOverlappingBoxesOfAClassTheBestIsKept() {
    int[] kept =
        detect(
            YoloHead.V8,
            Nms.DEFAULT,
            0.25f,
            cell(100, 100, 50, 50, 0.6f, 0.1f),
            cell(102, 100, 50, 50, 0.9f, 0.1f),
            cell(102, 101, 50, 50, 0.1f, 0.8f),
            cell(300, 300, 50, 50, 0.2f, 0.1f));
    assertThat(kept).hasSize(2);
    assertThat(candidates.score(kept[0])).isEqualTo(0.9f);
    assertThat(candidates.classIndex(kept[1])).isEqualTo(1);
    assertThat(candidates.x1(kept[0])).isEqualTo(77f);
    assertThat(candidates.y2(kept[0])).isEqualTo(125f);
  }

  @Test
  void classAgnosticSuppressionKeepsOneOfAll() {
    int[] kept =
        detect(
            YoloHead.V8,
            new Nms(0.7f, 300, 30_000, true),
            0.25f,
            cell(102, 100, 50, 50, 0.9f, 0.1f),
            cell(102, 101, 50, 50, 0.1f, 0.8f));
    assertThat(kept).hasSize(1);
  }

  @Test
  void bothLayoutsAndBothUnitsSayTheSame() {
    var shares = new YoloHead(YoloHead.Layout.CELLS_FIRST, false, YoloHead.Unit.SHARES);
    int[] kept = detect(shares, Nms.DEFAULT, 0.25f, cell(0.5f, 0.25f, 0.1f, 0.2f, 0, 0.9f));
    assertThat(kept).hasSize(1);
    assertThat(candidates.x1(kept[0])).isEqualTo(288f);
    assertThat(candidates.y1(kept[0])).isEqualTo(96f);
    assertThat(candidates.classIndex(kept[0])).isEqualTo(1);
  }

  @Test
  void objectnessMultipliesEachClass() {
    for (YoloHead.Layout layout : YoloHead.Layout.values()) {
      var v5 = new YoloHead(layout, true, YoloHead.Unit.PIXELS);
      int[] kept =
          detect(
              v5,
              Nms.DEFAULT,
              0.25f,
              cell(100, 100, 50, 50, 0.5f, 0.1f, 0.8f),
              cell(300, 300, 50, 50, 0.2f, 0.1f, 0.9f));
      assertThat(kept).hasSize(1);
      assertThat(candidates.score(kept[0])).isEqualTo(0.4f);
      assertThat(candidates.classIndex(kept[0])).isEqualTo(1);
    }
  }

  @Test
  void whatIsNotFiniteIsNoBox() {
    int[] kept =
        detect(
            YoloHead.V8,
            Nms.DEFAULT,
            0.25f,
            cell(Float.NaN, 100, 50, 50, 0.9f),
            cell(100, 100, Float.POSITIVE_INFINITY, 50, 0.8f),
            cell(100, 100, 50, 50, Float.NaN),
            cell(100, 100, 50, 50, 0.7f));
    assertThat(kept).hasSize(1);
    assertThat(candidates.score(kept[0])).isEqualTo(0.7f);
  }

  @Test
  void noMoreThanTheLimitAreKept() {
    float[][] cells =
        IntStream.range(0, 500)
            .mapToObj(i -> cell(i * 100, 0, 10, 10, 0.3f + i / 1000f))
            .toArray(float[][]::new);
    int[] kept = detect(YoloHead.V8, new Nms(0.7f, 7, 400, false), 0.25f, cells);
    assertThat(kept).hasSize(7);
    assertThat(candidates.score(kept[0])).isEqualTo(0.3f + 499 / 1000f);
  }

  @Test
  void agreesWithThePlainDefinitionOnRandomBoxes() {
    Random random = new Random(3);
    for (int round = 0; round < 200; round++) {
      float[][] cells = new float[1 + random.nextInt(120)][];
      for (int i = 0; i < cells.length; i++) {
        cells[i] =
            cell(
                random.nextInt(200),
                random.nextInt(200),
                10 + random.nextInt(80),
                10 + random.nextInt(80),
                random.nextFloat(),
                random.nextFloat(),
                random.nextFloat());
      }
      Nms nms = new Nms(0.4567f, 300, 30_000, false);
      int[] kept = detect(YoloHead.V8, nms, 0.3f, cells);
      assertThat(IntStream.of(kept).mapToObj(i -> candidates.cells[i]).toList())
          .isEqualTo(plain(cells, 0.3f, 0.4567f));
    }
  }

  private static List<Integer> plain(float[][] cells, float threshold, float iou) {
    List<Integer> open =
        new ArrayList<>(
            IntStream.range(0, cells.length)
                .filter(i -> best(cells[i]) > threshold)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -best(cells[i])))
                .toList());
    List<Integer> kept = new ArrayList<>();
    while (!open.isEmpty()) {
      int first = open.removeFirst();
      kept.add(first);
      open.removeIf(
          other ->
              bestClass(cells[other]) == bestClass(cells[first])
                  && iou(cells[other], cells[first]) > iou);
    }
    return kept;
  }

  private static float best(float[] cell) {
    return (float) IntStream.range(4, cell.length).mapToDouble(i -> cell[i]).max().orElseThrow();
  }

  private static int bestClass(float[] cell) {
    return IntStream.range(4, cell.length).filter(i -> cell[i] == best(cell)).findFirst().orElse(0);
  }

  private static double iou(float[] a, float[] b) {
    double width =
        Math.min(a[0] + a[2] / 2, b[0] + b[2] / 2) - Math.max(a[0] - a[2] / 2, b[0] - b[2] / 2);
    double height =
        Math.min(a[1] + a[3] / 2, b[1] + b[3] / 2) - Math.max(a[1] - a[3] / 2, b[1] - b[3] / 2);
    double shared = Math.max(0, width) * Math.max(0, height);
    return shared / (a[2] * a[3] + b[2] * b[3] - shared);
  }

  @Test
  void anOutputThatIsTooShortIsRefused() {
    ByteBuffer output = ByteBuffer.allocateDirect(4 * 5 * 10);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> YoloHead.V8.read(output, 6, 10, 0.2f, SQUARE, candidates))
        .withMessageContaining("output: 6 rows, 10 cells, 50 values");
  }
}
