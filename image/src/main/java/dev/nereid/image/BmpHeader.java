package dev.nereid.image;

/** Reads the size of a BMP file in its old and newer forms. */
final class BmpHeader {
  private static final int INFO = 14;
  private static final int OLD_INFO_BYTES = 12;
  private static final int LEAST_NEW_INFO_BYTES = 36;

  private BmpHeader() {}

  static ImageHeader read(HeaderBytes bytes) {
    long infoBytes = bytes.u32(INFO, true);
    if (infoBytes == OLD_INFO_BYTES) {
      int width = bytes.u16(INFO + 4, true);
      int height = bytes.u16(INFO + 6, true);
      return ImageHeader.of(ImageFormat.BMP, width, height, Orientation.UPRIGHT);
    }
    if (infoBytes < LEAST_NEW_INFO_BYTES) {
      throw bytes.damaged("header of " + infoBytes + " bytes");
    }
    int width = (int) bytes.u32(INFO + 4, true);
    // Negative when the rows run from top to bottom.
    int height = Math.abs((int) bytes.u32(INFO + 8, true));
    return ImageHeader.of(ImageFormat.BMP, width, height, Orientation.UPRIGHT);
  }
}
