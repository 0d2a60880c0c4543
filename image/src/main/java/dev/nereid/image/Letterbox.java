package dev.nereid.image;

import java.nio.ByteBuffer;

/**
 * How a picture was laid into a network's input, and the way back: {@code input = original * scale
 * + pad} on each axis. A crop is the same with a negative pad. The way back uses the very pads and
 * scales that the pixels got, so that a box is off by rounding only.
 *
 * @param scaleX input pixels for each original pixel; differs from {@code scaleY} by rounding to
 *     whole pixels, or because the picture was stretched
 * @param padX whole input pixels left of the picture
 * @param padY whole input pixels above the picture
 * @param originalWidth in pixels, upright
 * @param originalHeight in pixels, upright
 */
public record Letterbox(
    double scaleX,
    double scaleY,
    int padX,
    int padY,
    int originalWidth,
    int originalHeight,
    int inputWidth,
    int inputHeight) {
  /** The floats of a letterbox as a tensor. */
  public static final int FLOATS = 8;

  public Letterbox {
    requirePositive("scale_x", scaleX);
    requirePositive("scale_y", scaleY);
    requirePositive("original_width", originalWidth);
    requirePositive("original_height", originalHeight);
    requirePositive("input_width", inputWidth);
    requirePositive("input_height", inputHeight);
  }

  private static void requirePositive(String name, double value) {
    if (!(value > 0 && value < Double.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("letterbox." + name + ": " + value + " (expected: > 0)");
    }
  }

  /** The geometry of a picture of this size under a recipe. */
  static Letterbox of(Fit fit, int width, int height, int inputWidth, int inputHeight) {
    return switch (fit) {
      case Fit.Letterboxed(boolean scaleUp, int _) ->
          letterboxed(scaleUp, width, height, inputWidth, inputHeight);
      case Fit.CenterCropped(int shorterSide) ->
          cropped(shorterSide, width, height, inputWidth, inputHeight);
      case Fit.Stretched() ->
          placed(inputWidth, inputHeight, width, height, inputWidth, inputHeight);
    };
  }

  private static Letterbox letterboxed(
      boolean scaleUp, int width, int height, int inputWidth, int inputHeight) {
    double scale = Math.min((double) inputHeight / height, (double) inputWidth / width);
    if (!scaleUp) {
      scale = Math.min(scale, 1.0);
    }
    // Python's round, which the field's preprocessing uses, rounds half to even; so does rint.
    int contentWidth = Math.clamp((int) Math.rint(width * scale), 1, inputWidth);
    int contentHeight = Math.clamp((int) Math.rint(height * scale), 1, inputHeight);
    return placed(contentWidth, contentHeight, width, height, inputWidth, inputHeight);
  }

  private static Letterbox cropped(
      int shorterSide, int width, int height, int inputWidth, int inputHeight) {
    long contentWidth;
    long contentHeight;
    if (shorterSide > 0) {
      boolean upright = width <= height;
      contentWidth = upright ? shorterSide : (long) shorterSide * width / height;
      contentHeight = upright ? (long) shorterSide * height / width : shorterSide;
    } else if ((long) inputWidth * height >= (long) inputHeight * width) {
      contentWidth = inputWidth;
      contentHeight = (long) inputWidth * height / width;
    } else {
      contentWidth = (long) inputHeight * width / height;
      contentHeight = inputHeight;
    }
    return placed(
        Math.toIntExact(Math.max(contentWidth, inputWidth)),
        Math.toIntExact(Math.max(contentHeight, inputHeight)),
        width,
        height,
        inputWidth,
        inputHeight);
  }

  private static Letterbox placed(
      int contentWidth, int contentHeight, int width, int height, int inputWidth, int inputHeight) {
    return new Letterbox(
        (double) contentWidth / width,
        (double) contentHeight / height,
        pad(inputWidth - contentWidth),
        pad(inputHeight - contentHeight),
        width,
        height,
        inputWidth,
        inputHeight);
  }

  /** The smaller half of a free space; a crop's offset is half to even, as torchvision has it. */
  private static int pad(int free) {
    return free >= 0 ? (int) Math.rint(free / 2.0 - 0.1) : -(int) Math.rint(-free / 2.0);
  }

  /** The width of the whole picture in input pixels; more than the input's when cropped. */
  public int contentWidth() {
    return (int) Math.rint(originalWidth * scaleX);
  }

  /** The height of the whole picture in input pixels; more than the input's when cropped. */
  public int contentHeight() {
    return (int) Math.rint(originalHeight * scaleY);
  }

  /** A place on the input as a place on the original, within its edges. */
  public float originalX(float inputX) {
    return (float) Math.clamp((inputX - padX) / scaleX, 0.0, originalWidth);
  }

  /** A place on the input as a place on the original, within its edges. */
  public float originalY(float inputY) {
    return (float) Math.clamp((inputY - padY) / scaleY, 0.0, originalHeight);
  }

  /** Writes scale_x, scale_y, pad_x, pad_y, original and input width and height as FP32. */
  public void writeTo(ByteBuffer target) {
    target.putFloat((float) scaleX).putFloat((float) scaleY).putFloat(padX).putFloat(padY);
    target.putFloat(originalWidth).putFloat(originalHeight);
    target.putFloat(inputWidth).putFloat(inputHeight);
  }

  /**
   * Reads what {@link #writeTo} wrote.
   *
   * @throws IllegalArgumentException when a number makes no sense
   */
  public static Letterbox readFrom(ByteBuffer source) {
    return new Letterbox(
        source.getFloat(),
        source.getFloat(),
        (int) source.getFloat(),
        (int) source.getFloat(),
        (int) source.getFloat(),
        (int) source.getFloat(),
        (int) source.getFloat(),
        (int) source.getFloat());
  }
}
