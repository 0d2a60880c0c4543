package dev.nereid.image;

/** How a picture of any size is brought to the size of a network's input. */
public sealed interface Fit {
  /**
   * Scaled so that all of it is seen, and centred on an even background: what detectors of the YOLO
   * family are trained with.
   *
   * @param scaleUp whether a small picture is enlarged
   * @param fill the value of the background, 0 to 255, before normalisation
   */
  record Letterboxed(boolean scaleUp, int fill) implements Fit {
    public Letterboxed {
      if (fill < 0 || fill > 255) {
        throw new IllegalArgumentException("fill: " + fill + " (expected: 0 to 255)");
      }
    }
  }

  /**
   * Scaled by its shorter side, and the middle cut out: what classifiers and embedders are trained
   * with.
   *
   * @param shorterSide what the shorter side becomes, at least the input's longer side; 0 to scale
   *     just as far as the input needs
   */
  record CenterCropped(int shorterSide) implements Fit {
    public CenterCropped {
      if (shorterSide < 0 || shorterSide > 1 << 14) {
        throw new IllegalArgumentException(
            "shorter_side: " + shorterSide + " (expected: 0 to " + (1 << 14) + ")");
      }
    }
  }

  /** Each side scaled for itself; shapes are distorted. */
  record Stretched() implements Fit {}
}
