package dev.nereid.image;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;

/**
 * Checked, absolute reads in an encoded picture. Reading past the end means that the picture is cut
 * off, and is the caller's fault.
 */
final class HeaderBytes {
  private final ByteBuffer bytes;
  private final int start;
  private final int size;
  private final ImageFormat format;

  HeaderBytes(ByteBuffer bytes, ImageFormat format) {
    this.bytes = bytes;
    this.start = bytes.position();
    this.size = bytes.remaining();
    this.format = format;
  }

  int size() {
    return size;
  }

  int u8(long at) {
    if (at < 0 || at >= size) {
      throw damaged("cut off after " + size + " bytes");
    }
    return bytes.get(start + (int) at) & 0xff;
  }

  int u16(long at, boolean littleEndian) {
    int first = u8(at);
    int second = u8(at + 1);
    return littleEndian ? second << 8 | first : first << 8 | second;
  }

  int u16(long at) {
    return u16(at, false);
  }

  int u24Little(long at) {
    return u16(at, true) | u8(at + 2) << 16;
  }

  long u32(long at, boolean littleEndian) {
    long first = u16(at, littleEndian);
    long second = u16(at + 2, littleEndian);
    return littleEndian ? second << 16 | first : first << 16 | second;
  }

  boolean has(long at, String ascii) {
    if (at < 0 || at + ascii.length() > size) {
      return false;
    }
    for (int i = 0; i < ascii.length(); i++) {
      if (u8(at + i) != ascii.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  FaultException damaged(String what) {
    return FaultException.of(Fault.UNPROCESSABLE, "image: damaged " + format + ": " + what);
  }
}
