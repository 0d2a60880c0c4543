package dev.nereid.image;

/**
 * Walks the marker segments of a JPEG file up to its first scan, and over the scans when there may
 * be many: each costs a decoder a pass over the whole picture, so a small file with a thousand of
 * them is an attack.
 */
final class JpegHeader {
  /** Counting ends here; no limit is set higher. */
  static final int MOST_SCANS = 1000;

  private static final int START_OF_IMAGE = 0xd8;
  private static final int END_OF_IMAGE = 0xd9;
  private static final int START_OF_SCAN = 0xda;
  private static final int APP1 = 0xe1;

  private final HeaderBytes bytes;
  private int width;
  private int height;
  private int components;
  private boolean progressive;
  private Orientation orientation = Orientation.UPRIGHT;
  private boolean exifSeen;

  private JpegHeader(HeaderBytes bytes) {
    this.bytes = bytes;
  }

  static ImageHeader read(HeaderBytes bytes) {
    JpegHeader header = new JpegHeader(bytes);
    long scan = header.walkToFirstScan();
    int scans = header.mayHaveManyScans(scan) ? header.countScans(scan) : 1;
    return new ImageHeader(
        ImageFormat.JPEG,
        header.width,
        header.height,
        header.orientation,
        (long) header.width * header.height,
        scans);
  }

  /** The place of the first scan's header, right after its marker. */
  private long walkToFirstScan() {
    long at = 2;
    while (true) {
      at = afterNextMarker(at);
      int marker = bytes.u8(at - 1);
      if (marker == END_OF_IMAGE) {
        throw bytes.damaged("it ends before its pixels");
      }
      if (standsAlone(marker)) {
        continue;
      }
      int length = bytes.u16(at);
      if (length < 2) {
        throw bytes.damaged("segment of " + length + " bytes");
      }
      if (marker == START_OF_SCAN) {
        if (components == 0) {
          throw bytes.damaged("pixels before their size");
        }
        return at;
      }
      segment(marker, at, length);
      at += length;
    }
  }

  private void segment(int marker, long at, int length) {
    if (isFrame(marker)) {
      if (components != 0) {
        throw bytes.damaged("two sizes");
      }
      progressive = marker == 0xc2 || marker == 0xc6 || marker == 0xca || marker == 0xce;
      height = bytes.u16(at + 3);
      width = bytes.u16(at + 5);
      components = bytes.u8(at + 7);
      if (components == 0) {
        throw bytes.damaged("no colour components");
      }
    } else if (marker == APP1 && !exifSeen && bytes.has(at + 2, "Exif\0")) {
      exifSeen = true;
      orientation = Exif.orientation(bytes, at + 2, at + length);
    }
  }

  private boolean mayHaveManyScans(long scan) {
    return progressive || bytes.u8(scan + 2) < components;
  }

  private int countScans(long firstScan) {
    int scans = 1;
    long at = firstScan + bytes.u16(firstScan);
    while (scans < MOST_SCANS) {
      at = afterMarkerInScan(at);
      if (at < 0 || bytes.u8(at - 1) == END_OF_IMAGE || at + 2 > bytes.size()) {
        return scans;
      }
      if (bytes.u8(at - 1) == START_OF_SCAN) {
        scans++;
      }
      at += Math.max(2, bytes.u16(at));
    }
    return scans;
  }

  /** Right after the next marker, skipping what lies before it as decoders do. */
  private long afterNextMarker(long from) {
    long at = from;
    while (bytes.u8(at) != 0xff || bytes.u8(at + 1) == 0 || bytes.u8(at + 1) == 0xff) {
      at++;
    }
    return at + 2;
  }

  /** Right after the next marker that is no part of compressed pixels; -1 when there is none. */
  private long afterMarkerInScan(long from) {
    for (long at = from; at + 1 < bytes.size(); at++) {
      if (bytes.u8(at) == 0xff) {
        int marker = bytes.u8(at + 1);
        if (marker != 0 && marker != 0xff && !standsAlone(marker)) {
          return at + 2;
        }
      }
    }
    return -1;
  }

  private static boolean standsAlone(int marker) {
    return (marker >= 0xd0 && marker <= START_OF_IMAGE) || marker == 1;
  }

  private static boolean isFrame(int marker) {
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
  }
}
