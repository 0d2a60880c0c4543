package dev.nereid.image;

/** Reads the orientation out of a block of EXIF, which has the form of a TIFF file. */
final class Exif {
  private static final int ORIENTATION = 0x112;
  private static final int ENTRY_BYTES = 12;

  private Exif() {}

  /**
   * The orientation in the block from {@code at} to {@code end}. A block that makes no sense says
   * nothing of the picture, so it counts as upright.
   */
  static Orientation orientation(HeaderBytes bytes, long at, long end) {
    long tiff = bytes.has(at, "Exif\0\0") ? at + 6 : at;
    boolean little = bytes.has(tiff, "II*\0");
    if (tiff + 8 > Math.min(end, bytes.size()) || !(little || bytes.has(tiff, "MM\0*"))) {
      return Orientation.UPRIGHT;
    }
    long directory = tiff + bytes.u32(tiff + 4, little);
    long last = Math.min(end, bytes.size());
    if (directory + 2 > last) {
      return Orientation.UPRIGHT;
    }
    int entries = bytes.u16(directory, little);
    for (long entry = directory + 2;
        entries > 0 && entry + ENTRY_BYTES <= last;
        entry += ENTRY_BYTES, entries--) {
      if (bytes.u16(entry, little) == ORIENTATION) {
        return Orientation.ofExif(bytes.u16(entry + 8, little));
      }
    }
    return Orientation.UPRIGHT;
  }
}
