package dev.nereid.app;

import dev.nereid.image.OpenCv;
import java.nio.file.Path;
import java.util.Locale;
import org.bytedeco.opencv.global.opencv_imgcodecs;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Point;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Scalar;
import org.bytedeco.opencv.opencv_core.Size;
import tools.jackson.databind.JsonNode;

/** Draws what a detector found into a picture. */
final class BoxPainter implements AutoCloseable {
  private static final int[][] COLOURS = {
    {56, 56, 255}, {29, 178, 255}, {49, 210, 207}, {10, 249, 72}, {23, 204, 146},
    {134, 219, 61}, {187, 212, 0}, {255, 194, 0}, {147, 69, 52}, {255, 115, 100},
    {236, 24, 0}, {255, 56, 132}, {133, 0, 82}, {199, 55, 255}
  };

  /** The longer side, in pixels, at which lines are one pixel wide. */
  private static final int FINE = 400;

  private static final int FONT = opencv_imgproc.FONT_HERSHEY_SIMPLEX;

  private final Mat picture;
  private final int thickness;

  private BoxPainter(Mat picture) {
    this.picture = picture;
    thickness = Math.max(1, Math.max(picture.cols(), picture.rows()) / FINE);
  }

  /** Reads a picture, upright. */
  static BoxPainter over(Path file) {
    OpenCv.load();
    Mat picture = opencv_imgcodecs.imread(file.toString(), opencv_imgcodecs.IMREAD_COLOR);
    if (picture.empty()) {
      throw new Mishap(file + ": cannot be read to draw into it (expected: JPEG, PNG or the like)");
    }
    return new BoxPainter(picture);
  }

  /** Draws one detection of the gateway's answer. */
  void draw(JsonNode detection) {
    JsonNode box = detection.path("box");
    int x1 = (int) Math.round(box.path(0).asDouble());
    int y1 = (int) Math.round(box.path(1).asDouble());
    int x2 = (int) Math.round(box.path(2).asDouble());
    int y2 = (int) Math.round(box.path(3).asDouble());
    int[] bgr = COLOURS[Math.floorMod(detection.path("class").asInt(), COLOURS.length)];
    String text =
        String.format(
            Locale.ROOT,
            "%s %.2f",
            detection.path("label").asString("?"),
            detection.path("confidence").asDouble());
    try (Scalar colour = new Scalar(bgr[0], bgr[1], bgr[2], 0);
        Scalar white = new Scalar(255, 255, 255, 0);
        Rect frame = new Rect(x1, y1, Math.max(1, x2 - x1), Math.max(1, y2 - y1))) {
      opencv_imgproc.rectangle(picture, frame, colour, thickness, opencv_imgproc.LINE_AA, 0);
      caption(text, x1, y1, colour, white);
    }
  }

  /** A caption over the box, or inside where there is no room over it. */
  private void caption(String text, int x, int y, Scalar colour, Scalar white) {
    double scale = 0.4 * Math.max(1, thickness * 0.8);
    int[] baseline = new int[1];
    int weight = Math.max(1, thickness - 1);
    try (Size size = opencv_imgproc.getTextSize(text, FONT, scale, weight, baseline)) {
      int height = size.height() + baseline[0] + 2;
      int top = y >= height ? y - height : y;
      try (Rect ground = new Rect(x, top, size.width() + 2, height);
          Point start = new Point(x + 1, top + size.height() + 1)) {
        opencv_imgproc.rectangle(picture, ground, colour, -1, opencv_imgproc.LINE_8, 0);
        opencv_imgproc.putText(
            picture, text, start, FONT, scale, white, weight, opencv_imgproc.LINE_AA, false);
      }
    }
  }

  /** Writes the picture; the file's ending says in which format. */
  void write(Path file) {
    if (!opencv_imgcodecs.imwrite(file.toString(), picture)) {
      throw new Mishap(file + ": cannot be written (expected: a folder that can be written to)");
    }
  }

  @Override
  public void close() {
    picture.close();
  }
}
