package dev.nereid.image;

/**
 * All that decides how an encoded picture becomes a network's input. Immutable.
 *
 * @param width of the input, in pixels
 * @param height of the input, in pixels
 * @param decoding how the file becomes pixels
 */
public record Recipe(
    int width,
    int height,
    Fit fit,
    Interpolation interpolation,
    PixelFormat pixels,
    Decoding decoding) {
  private static final int MOST_PIXELS_A_SIDE = 1 << 14;

  public Recipe {
    if (width < 1 || height < 1 || width > MOST_PIXELS_A_SIDE || height > MOST_PIXELS_A_SIDE) {
      throw new IllegalArgumentException(
          "size: " + width + "x" + height + " (expected: 1 to " + MOST_PIXELS_A_SIDE + ")");
    }
    if (fit instanceof Fit.CenterCropped(int shorterSide)
        && shorterSide != 0
        && shorterSide < Math.max(width, height)) {
      throw new IllegalArgumentException(
          "shorter_side: " + shorterSide + " (expected: at least " + Math.max(width, height) + ")");
    }
  }

  /**
   * How a file becomes pixels.
   *
   * @param upright whether the orientation that EXIF tells is applied
   * @param reduced whether a big JPEG may be decoded at 1/2, 1/4 or 1/8 of its size: faster, and
   *     not equal to decoding it whole
   */
  public record Decoding(ImageLimits limits, boolean upright, boolean reduced) {
    /** Upright, whole, within the default limits. */
    public static final Decoding DEFAULT = new Decoding(ImageLimits.DEFAULT, true, false);
  }

  /** What detectors of the YOLO family take: letterboxed, RGB, [3,size,size] FP32, 0 to 1. */
  public static Recipe letterbox(int size) {
    return new Recipe(
        size,
        size,
        new Fit.Letterboxed(true, 114),
        Interpolation.LINEAR,
        PixelFormat.PLAIN,
        Decoding.DEFAULT);
  }

  /** The middle of the picture: RGB, [3,size,size] FP32, 0 to 1. */
  public static Recipe centerCrop(int size) {
    return new Recipe(
        size,
        size,
        new Fit.CenterCropped(0),
        Interpolation.LINEAR,
        PixelFormat.PLAIN,
        Decoding.DEFAULT);
  }

  /** Bytes of one picture's tensor. */
  public int tensorBytes() {
    return Math.multiplyExact(Math.multiplyExact(width, height), 3 * pixels.type().byteSize());
  }
}
