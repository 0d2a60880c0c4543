package dev.nereid.image;

/**
 * Reads the first directory of a TIFF file: size, orientation, and the size of its tiles. The
 * native library turns a TIFF upright whether asked or not, so its upright size is what counts as
 * stored.
 */
final class TiffHeader {
  private static final int WIDTH = 256;
  private static final int HEIGHT = 257;
  private static final int ORIENTATION = 274;
  private static final int TILE_WIDTH = 322;
  private static final int TILE_HEIGHT = 323;
  private static final int SHORT = 3;
  private static final int ENTRY_BYTES = 12;

  private TiffHeader() {}

  static ImageHeader read(HeaderBytes bytes) {
    boolean little = bytes.has(0, "II");
    long directory = bytes.u32(4, little);
    int entries = bytes.u16(directory, little);
    long width = 0;
    long height = 0;
    long tileWidth = 0;
    long tileHeight = 0;
    Orientation orientation = Orientation.UPRIGHT;
    for (int i = 0; i < entries; i++) {
      long entry = directory + 2 + (long) i * ENTRY_BYTES;
      long value = value(bytes, entry, little);
      switch (bytes.u16(entry, little)) {
        case WIDTH -> width = value;
        case HEIGHT -> height = value;
        case TILE_WIDTH -> tileWidth = value;
        case TILE_HEIGHT -> tileHeight = value;
        case ORIENTATION -> orientation = Orientation.ofExif((int) value);
        default -> {}
      }
    }
    if (width > Integer.MAX_VALUE || height > Integer.MAX_VALUE) {
      throw bytes.damaged("size " + width + "x" + height);
    }
    long tile = Math.max(0, Math.min(tileWidth, 1 << 24) * Math.min(tileHeight, 1 << 24));
    boolean swaps = orientation.swapsSides();
    return new ImageHeader(
        ImageFormat.TIFF,
        (int) (swaps ? height : width),
        (int) (swaps ? width : height),
        Orientation.UPRIGHT,
        Math.max(width * height, tile),
        1);
  }

  private static long value(HeaderBytes bytes, long entry, boolean little) {
    return bytes.u16(entry + 2, little) == SHORT
        ? bytes.u16(entry + 8, little)
        : bytes.u32(entry + 8, little);
  }
}
