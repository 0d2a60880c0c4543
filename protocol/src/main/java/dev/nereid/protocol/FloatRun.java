package dev.nereid.protocol;

import java.nio.ByteBuffer;

/**
 * Reads a run of plain decimals, each with a comma behind it, as fast as may be: that is what
 * arrays of numbers are made of, and they are most of the bytes of a JSON request. Whatever is not
 * quite plain, such as an exponent, a line break or a rounding in doubt, ends the run before it and
 * is left to {@link JsonNumber}. Confined to one thread.
 */
final class FloatRun {
  /** No number that a run takes, and what is looked at behind it, is longer. */
  private static final int LOOK_AHEAD = 48;

  /** Taken off eight digits, it leaves their values. */
  static final long ZEROS = 0x3030303030303030L;

  /** So many digits fit a long. */
  private static final int MAX_DIGITS = 19;

  private static final long HIGH_BITS = 0x8080808080808080L;

  /** Added to a byte, it sets the high bit unless the byte is 9 or less. */
  private static final long ABOVE_NINE = 0x7676767676767676L;

  /** Of ten. */
  static final long[] POWERS = {
    1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000
  };

  private int read;
  private int bits;

  /** How many numbers the last run had. */
  int count() {
    return read;
  }

  /**
   * Reads numbers while they are plain.
   *
   * @param text little-endian
   * @param start where the first begins
   * @param target where they go, from its position, which moves; at most as many as it has room for
   * @return where the number begins at which the run ended
   */
  int read(ByteBuffer text, int start, int end, ByteBuffer target) {
    int at = start;
    int n = 0;
    int last = end - LOOK_AHEAD;
    int room = target.remaining() / Float.BYTES;
    int first = target.position();
    while (at < last && n < room) {
      int next = number(text, at);
      if (next < 0) {
        break;
      }
      target.putInt(first + n * Float.BYTES, bits);
      n++;
      at = next;
    }
    target.position(first + n * Float.BYTES);
    read = n;
    return at;
  }

  /** Reads one number; the index behind its comma, or -1 when it is not plain. */
  private int number(ByteBuffer text, int start) {
    int from = text.get(start) == ' ' ? start + 1 : start;
    boolean negative = text.get(from) == '-';
    int next = negative ? from + 1 : from;
    long word = text.getLong(next) ^ ZEROS;
    int whole = digits(word);
    if (whole == 0 || whole == 8 || (whole > 1 && (word & 0xFF) == 0)) {
      return -1; // no digit, many, or a leading zero
    }
    long value = whole == 1 ? word & 0xFF : eightDigits(word << (64 - 8 * whole));
    next += whole;
    int exponent = 0;
    if (text.get(next) == '.') {
      int fraction = ++next;
      int more = 8;
      while (more == 8 && next - fraction < MAX_DIGITS) {
        word = text.getLong(next) ^ ZEROS;
        more = digits(word);
        if (more > 0) {
          value = value * POWERS[more] + eightDigits(word << (64 - 8 * more));
          next += more;
        }
      }
      exponent = fraction - next;
      if (exponent == 0 || whole - exponent > MAX_DIGITS) {
        return -1; // no digit behind the point, or more than fit
      }
    }
    if (text.get(next) != ',') {
      return -1;
    }
    long nearest = Decimals.floatBits(value, exponent);
    bits = (int) nearest | (negative ? 1 << 31 : 0);
    return nearest == Decimals.IN_DOUBT ? -1 : next + 1;
  }

  /** How many of eight bytes, from the lowest, are digits once '0' is taken off each. */
  static int digits(long word) {
    long others = ((word + ABOVE_NINE) | word) & HIGH_BITS;
    return Long.numberOfTrailingZeros(others) >>> 3;
  }

  /** Eight digits, one to a byte, the lowest byte the most significant: pairs, fours, all. */
  static long eightDigits(long word) {
    long pairs = word * 10 + (word >>> 8);
    long low = (pairs & 0x000000FF000000FFL) * (100 + (1_000_000L << 32));
    long high = (pairs >>> 16 & 0x000000FF000000FFL) * (1 + (10_000L << 32));
    return (low + high) >>> 32;
  }
}
