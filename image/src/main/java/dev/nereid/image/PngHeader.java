package dev.nereid.image;

/** Reads a PNG file's size, and its EXIF block where it has one before its pixels. */
final class PngHeader {
  private static final int FIRST_CHUNK = 8;
  private static final int CHUNK_OVERHEAD = 12;

  private PngHeader() {}

  static ImageHeader read(HeaderBytes bytes) {
    if (!bytes.has(FIRST_CHUNK + 4, "IHDR")) {
      throw bytes.damaged("no header chunk");
    }
    long width = bytes.u32(FIRST_CHUNK + 8, false);
    long height = bytes.u32(FIRST_CHUNK + 12, false);
    if (width > Integer.MAX_VALUE || height > Integer.MAX_VALUE) {
      throw bytes.damaged("size " + width + "x" + height);
    }
    return ImageHeader.of(ImageFormat.PNG, (int) width, (int) height, orientation(bytes));
  }

  private static Orientation orientation(HeaderBytes bytes) {
    long at = FIRST_CHUNK;
    while (at + CHUNK_OVERHEAD <= bytes.size() && !bytes.has(at + 4, "IDAT")) {
      long length = bytes.u32(at, false);
      if (bytes.has(at + 4, "eXIf")) {
        return Exif.orientation(bytes, at + 8, at + 8 + length);
      }
      at += CHUNK_OVERHEAD + length;
    }
    return Orientation.UPRIGHT;
  }
}
