package dev.nereid.protocol;

/**
 * Floats as decimals that are as short as may be and mean the same float: the JDK's own, which were
 * faster than an attempt at better ones, but whole numbers without a detour through a string.
 */
final class FloatText {
  /** No float is written longer. */
  static final int MAX_LENGTH = 16;

  /** Whole numbers up to here are floats without a gap, and are written digit by digit. */
  private static final int WHOLE = 1 << 24;

  private FloatText() {}

  /** Writes a float; NaN, Infinity and -Infinity as these words. Returns the index behind it. */
  @SuppressWarnings("deprecation") // the low bytes are all that these texts have
  static int put(float value, byte[] target, int offset) {
    int whole = (int) value;
    if (whole == value && Math.abs(whole) < WHOLE && Float.floatToRawIntBits(value) != 1 << 31) {
      return putWhole(whole, target, offset);
    }
    String text = Float.toString(value);
    text.getBytes(0, text.length(), target, offset);
    return offset + text.length();
  }

  private static int putWhole(int value, byte[] target, int offset) {
    int at = offset;
    int rest = value;
    if (rest < 0) {
      target[at++] = '-';
      rest = -rest;
    }
    int digits = 1;
    for (int power = 10; rest >= power; power *= 10) {
      digits++;
    }
    for (int i = at + digits - 1; i >= at; i--) {
      target[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    target[at + digits] = '.';
    target[at + digits + 1] = '0';
    return at + digits + 2;
  }
}
