package dev.nereid.client;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * How a picture is to be turned so that it stands upright, as EXIF says it: in a segment of a JPEG,
 * a chunk of a PNG, or the directory of a TIFF. What makes no sense says nothing.
 */
final class ExifOrientation {
  private static final int UPRIGHT = 1;
  private static final int TAG = 0x112;
  private static final int ENTRY_BYTES = 12;
  private static final int SOI = 0xffd8;
  private static final int APP1 = 0xffe1;
  private static final int START_OF_SCAN = 0xffda;
  private static final long EXIF = 0x457869660000L; // "Exif", 0, 0
  private static final int PNG = 0x89504e47;
  private static final int PNG_HEAD_BYTES = 8;
  private static final int CHUNK_FRAME_BYTES = 12;
  private static final int EXIF_CHUNK = 0x65584966; // "eXIf"
  private static final int LITTLE = 0x49492a00;
  private static final int BIG = 0x4d4d002a;

  private ExifOrientation() {}

  /** 1 to 8. */
  static int of(byte[] encoded) {
    ByteBuffer bytes = ByteBuffer.wrap(encoded);
    try {
      int first = bytes.getInt(0);
      if (first == LITTLE || first == BIG) {
        return inDirectory(bytes);
      }
      return first == PNG ? inChunks(bytes) : first >>> 16 == SOI ? inSegments(bytes) : UPRIGHT;
    } catch (IndexOutOfBoundsException _) {
      return UPRIGHT; // cut short
    }
  }

  private static int inSegments(ByteBuffer bytes) {
    int at = Short.BYTES;
    while (true) {
      int marker = Short.toUnsignedInt(bytes.getShort(at));
      int length = Short.toUnsignedInt(bytes.getShort(at + 2));
      if (marker == START_OF_SCAN || marker >>> 8 != 0xff || length < 2) {
        return UPRIGHT;
      }
      if (marker == APP1 && length >= 2 + 6 && bytes.getLong(at + 4) >>> 16 == EXIF) {
        return inDirectory(bytes.slice(at + 10, length - 8));
      }
      at += 2 + length;
    }
  }

  private static int inChunks(ByteBuffer bytes) {
    int at = PNG_HEAD_BYTES;
    while (true) {
      int length = bytes.getInt(at);
      if (length < 0 || length > bytes.limit()) {
        return UPRIGHT;
      }
      if (bytes.getInt(at + 4) == EXIF_CHUNK) {
        return inDirectory(bytes.slice(at + 8, length));
      }
      at += CHUNK_FRAME_BYTES + length;
    }
  }

  /** Of a block in the form of a TIFF file. */
  private static int inDirectory(ByteBuffer block) {
    int first = block.getInt(0);
    if (first != LITTLE && first != BIG) {
      return UPRIGHT;
    }
    ByteBuffer bytes =
        block.duplicate().order(first == LITTLE ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    int directory = bytes.getInt(4);
    int entries = Short.toUnsignedInt(bytes.getShort(directory));
    for (int i = 0; i < entries; i++) {
      int entry = directory + 2 + i * ENTRY_BYTES;
      if (Short.toUnsignedInt(bytes.getShort(entry)) == TAG) {
        int value = Short.toUnsignedInt(bytes.getShort(entry + 8));
        return value >= 1 && value <= 8 ? value : UPRIGHT;
      }
    }
    return UPRIGHT;
  }
}
