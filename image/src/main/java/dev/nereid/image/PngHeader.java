package dev.nereid.image;

/**
 * Reads a PNG file's size, and walks its chunks to the end: for the EXIF block, and because the
 * native decoder believes each chunk's length and would clear up to four gigabytes for a few bytes.
 */
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
    return ImageHeader.of(ImageFormat.PNG, (int) width, (int) height, walkChunks(bytes));
  }

  private static Orientation walkChunks(HeaderBytes bytes) {
    Orientation orientation = Orientation.UPRIGHT;
    long at = FIRST_CHUNK;
    while (true) {
      long end = at + CHUNK_OVERHEAD + bytes.u32(at, false);
      if (end > bytes.size()) {
        throw bytes.damaged("a chunk that ends after byte " + bytes.size() + ", the last");
      }
      if (bytes.has(at + 4, "eXIf")) {
        orientation = Exif.orientation(bytes, at + 8, end);
      }
      if (bytes.has(at + 4, "IEND")) {
        return orientation;
      }
      at = end;
    }
  }
}
