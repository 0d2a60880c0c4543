package dev.nereid.image;

/** Reads the size of a WebP file in its lossy, lossless and extended forms. */
final class WebpHeader {
  private static final int FIRST_CHUNK = 12;
  private static final int DATA = FIRST_CHUNK + 8;
  private static final int HAS_EXIF = 0x08;

  private WebpHeader() {}

  static ImageHeader read(HeaderBytes bytes) {
    if (bytes.has(FIRST_CHUNK, "VP8X")) {
      int width = bytes.u24Little(DATA + 4) + 1;
      int height = bytes.u24Little(DATA + 7) + 1;
      boolean exif = (bytes.u8(DATA) & HAS_EXIF) != 0;
      return ImageHeader.of(
          ImageFormat.WEBP, width, height, exif ? orientation(bytes) : Orientation.UPRIGHT);
    }
    if (bytes.has(FIRST_CHUNK, "VP8L")) {
      if (bytes.u8(DATA) != 0x2f) {
        throw bytes.damaged("no signature in its pixels");
      }
      long bits = bytes.u32(DATA + 1, true);
      int width = (int) (bits & 0x3fff) + 1;
      int height = (int) (bits >> 14 & 0x3fff) + 1;
      return ImageHeader.of(ImageFormat.WEBP, width, height, Orientation.UPRIGHT);
    }
    if (bytes.has(FIRST_CHUNK, "VP8 ") && bytes.has(DATA + 3, "\u009d\u0001*")) {
      int width = bytes.u16(DATA + 6, true) & 0x3fff;
      int height = bytes.u16(DATA + 8, true) & 0x3fff;
      return ImageHeader.of(ImageFormat.WEBP, width, height, Orientation.UPRIGHT);
    }
    throw bytes.damaged("no pixels");
  }

  private static Orientation orientation(HeaderBytes bytes) {
    long at = FIRST_CHUNK;
    while (at + 8 <= bytes.size()) {
      long length = bytes.u32(at + 4, true);
      if (bytes.has(at, "EXIF")) {
        return Exif.orientation(bytes, at + 8, at + 8 + length);
      }
      at += 8 + length + (length & 1);
    }
    return Orientation.UPRIGHT;
  }
}
