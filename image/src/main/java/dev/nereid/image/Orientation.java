package dev.nereid.image;

/**
 * How a camera was held, as EXIF says it: what must be done to the stored pixels so that the
 * picture stands upright. Constants are in the order of the EXIF values 1 to 8.
 */
public enum Orientation {
  UPRIGHT(false),
  MIRRORED(false),
  UPSIDE_DOWN(false),
  UPSIDE_DOWN_MIRRORED(false),
  TRANSPOSED(true),
  TURN_RIGHT(true),
  TRANSVERSED(true),
  TURN_LEFT(true);

  private static final Orientation[] BY_EXIF = values();

  private final boolean swapsSides;

  Orientation(boolean swapsSides) {
    this.swapsSides = swapsSides;
  }

  /** Whether the upright picture is as wide as the stored one is high. */
  public boolean swapsSides() {
    return swapsSides;
  }

  /** The orientation of that EXIF value; {@link #UPRIGHT} when it is none of 1 to 8. */
  public static Orientation ofExif(int value) {
    return value >= 1 && value <= BY_EXIF.length ? BY_EXIF[value - 1] : UPRIGHT;
  }
}
