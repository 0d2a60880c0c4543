package dev.nereid.image;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;

/**
 * What a picture may cost. All but the decoded pixels themselves are looked at before any of it is
 * decoded.
 *
 * @param maxEncodedBytes of the file
 * @param maxPixels width times height; a decoder needs 3 to 6 bytes for each
 * @param maxSide width or height
 * @param maxScans passes over a progressive JPEG; cameras and editors write about ten
 */
public record ImageLimits(int maxEncodedBytes, long maxPixels, int maxSide, int maxScans) {
  /** 64 MiB, 64 megapixels, 16,384 pixels a side, 100 scans. */
  public static final ImageLimits DEFAULT = new ImageLimits(64 << 20, 64_000_000, 16_384, 100);

  public ImageLimits {
    require("max_encoded_bytes", maxEncodedBytes, Integer.MAX_VALUE);
    require("max_pixels", maxPixels, 1 << 30);
    require("max_side", maxSide, 1 << 20);
    require("max_scans", maxScans, JpegHeader.MOST_SCANS - 1);
  }

  private static void require(String name, long value, long most) {
    if (value < 1 || value > most) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: 1 to " + most + ")");
    }
  }

  /**
   * Lets a file of this size pass.
   *
   * @throws FaultException with {@link Fault#TOO_LARGE}
   */
  public void requireEncodedBytes(long bytes) {
    if (bytes > maxEncodedBytes) {
      throw tooLarge(bytes + " bytes", maxEncodedBytes + " bytes");
    }
  }

  /**
   * Lets a picture with this header pass.
   *
   * @throws FaultException with {@link Fault#TOO_LARGE}
   */
  public void require(ImageHeader header) {
    if (header.width() > maxSide || header.height() > maxSide) {
      throw tooLarge(header.width() + "x" + header.height(), maxSide + " pixels a side");
    }
    if (header.codedPixels() > maxPixels) {
      throw tooLarge(header.width() + "x" + header.height(), maxPixels + " pixels");
    }
    if (header.scans() > maxScans) {
      throw tooLarge(header.scans() + " scans or more", maxScans + " scans");
    }
  }

  private static FaultException tooLarge(String what, String limit) {
    return FaultException.of(
        Fault.TOO_LARGE, "image: " + what + " (expected: at most " + limit + ")");
  }
}
