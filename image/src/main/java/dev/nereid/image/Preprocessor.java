package dev.nereid.image;

import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;
import org.bytedeco.opencv.global.opencv_imgproc;
import org.bytedeco.opencv.opencv_core.Mat;
import org.bytedeco.opencv.opencv_core.Rect;
import org.bytedeco.opencv.opencv_core.Size;

/**
 * Turns encoded pictures into a network's input, by one recipe.
 *
 * <p><b>Threading.</b> Immutable; any number of threads, each with a {@link Workspace} of its own.
 * A call takes as long as decoding does and cannot be interrupted; {@link ImageLimits} bound it.
 */
public final class Preprocessor {
  /** A crop of a very long picture does not scale all of it when that would be more pixels. */
  private static final long MOST_CONTENT_PIXELS = 1 << 23;

  private final Recipe recipe;

  /** A preprocessor of that recipe. */
  public Preprocessor(Recipe recipe) {
    this.recipe = recipe;
  }

  /** What it does. */
  public Recipe recipe() {
    return recipe;
  }

  /**
   * Decodes a picture and writes the network's input, every byte of it.
   *
   * @param encoded direct; its position stays
   * @param slot direct, with {@link Recipe#tensorBytes} bytes from its position on, which stays
   * @return where the picture lies in the input
   * @throws FaultException when the picture is no picture, damaged or too large; the slot's content
   *     is undefined then
   */
  public Letterbox apply(ByteBuffer encoded, ByteBuffer slot, Workspace workspace) {
    if (slot.remaining() < recipe.tensorBytes()) {
      throw new IllegalArgumentException(
          "slot: " + slot.remaining() + " bytes (expected: " + recipe.tensorBytes() + ")");
    }
    Recipe.Decoding decoding = recipe.decoding();
    decoding.limits().requireEncodedBytes(encoded.remaining());
    ImageHeader header = ImageHeader.probe(encoded);
    decoding.limits().require(header);
    Letterbox geometry = geometryOf(header);
    int reduction = decoding.reduced() ? reduction(header, geometry) : 1;
    long began = System.nanoTime();
    Mat pixels = ImageDecoder.decode(encoded, header, decoding.upright(), reduction, workspace);
    workspace.decodedSince(began);
    try (Mat content = content(pixels, geometry, workspace)) {
      Packer.pack(content, geometry, recipe, slot, workspace);
    }
    return geometry;
  }

  /** Where a picture with that header would lie in the input. */
  public Letterbox geometryOf(ImageHeader header) {
    boolean upright = recipe.decoding().upright();
    int width = upright ? header.uprightWidth() : header.width();
    int height = upright ? header.uprightHeight() : header.height();
    return Letterbox.of(recipe.fit(), width, height, recipe.width(), recipe.height());
  }

  /** The most that a decoder may shrink the picture and still deliver as many pixels as needed. */
  private static int reduction(ImageHeader header, Letterbox geometry) {
    if (header.format() != ImageFormat.JPEG) {
      return 1;
    }
    double most = Math.min(1 / geometry.scaleX(), 1 / geometry.scaleY());
    return most >= 8 ? 8 : most >= 4 ? 4 : most >= 2 ? 2 : 1;
  }

  /** The part of the scaled picture that is seen. The result is a header of its own, to close. */
  private Mat content(Mat pixels, Letterbox geometry, Workspace workspace) {
    int width = geometry.contentWidth();
    int height = geometry.contentHeight();
    if ((long) width * height > MOST_CONTENT_PIXELS) {
      return middleOfLongPicture(pixels, geometry, workspace);
    }
    Mat scaled = resized(pixels, width, height, workspace);
    try (Rect seen = seen(geometry, width, height)) {
      return new Mat(scaled, seen);
    }
  }

  private static Rect seen(Letterbox geometry, int width, int height) {
    return new Rect(
        Math.max(0, -geometry.padX()),
        Math.max(0, -geometry.padY()),
        Math.min(width, geometry.inputWidth()),
        Math.min(height, geometry.inputHeight()));
  }

  private Mat resized(Mat pixels, int width, int height, Workspace workspace) {
    if (pixels.cols() == width && pixels.rows() == height) {
      return pixels;
    }
    try (Size size = new Size(width, height)) {
      opencv_imgproc.resize(pixels, workspace.resized, size, 0, 0, recipe.interpolation().code());
    }
    return workspace.resized;
  }

  /** Cuts the source first, to whole source pixels around the crop, and scales only those. */
  private Mat middleOfLongPicture(Mat pixels, Letterbox geometry, Workspace workspace) {
    int[] x = sourceSpan(-geometry.padX(), geometry.inputWidth(), geometry.scaleX(), pixels.cols());
    int[] y =
        sourceSpan(-geometry.padY(), geometry.inputHeight(), geometry.scaleY(), pixels.rows());
    try (Rect source = new Rect(x[0], y[0], x[1] - x[0], y[1] - y[0]);
        Mat part = new Mat(pixels, source)) {
      int width = Math.max(geometry.inputWidth(), (int) (part.cols() * geometry.scaleX()));
      int height = Math.max(geometry.inputHeight(), (int) (part.rows() * geometry.scaleY()));
      int left = (int) Math.rint(-geometry.padX() - x[0] * geometry.scaleX());
      int top = (int) Math.rint(-geometry.padY() - y[0] * geometry.scaleY());
      Mat scaled = resized(part, width, height, workspace);
      try (Rect seen =
          new Rect(
              Math.clamp(left, 0, width - geometry.inputWidth()),
              Math.clamp(top, 0, height - geometry.inputHeight()),
              geometry.inputWidth(),
              geometry.inputHeight())) {
        return new Mat(scaled, seen);
      }
    }
  }

  private static int[] sourceSpan(int from, int length, double scale, int size) {
    int first = Math.clamp((long) Math.floor(from / scale) - 1, 0, size - 1);
    int last = Math.clamp((long) Math.ceil((from + length) / scale) + 1, first + 1, size);
    return new int[] {first, last};
  }
}
