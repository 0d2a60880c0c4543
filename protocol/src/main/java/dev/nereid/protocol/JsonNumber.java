package dev.nereid.protocol;

import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * One number of a JSON text, read eight digits at a time. Besides JSON's own grammar it takes the
 * literals NaN, Inf and Infinity, as v2 does. Confined to one thread.
 */
final class JsonNumber {
  private static final int MAX_DIGITS = 19; // the greatest fits an unsigned long
  private static final int MAX_EXPONENT = 1_000_000;
  private boolean negative;
  private boolean integer;
  private boolean truncated;
  private long digits;
  private int exponent;
  private double special;
  private int from;
  private int to;

  /** Where the text ends that follows; the index of the first byte that is no part of it. */
  private int end;

  /**
   * Reads the number that starts here.
   *
   * @param text little-endian
   * @return the index behind it, or -1 when there is no number
   */
  int scan(ByteBuffer text, int start, int limit) {
    from = start;
    end = limit;
    int at = start;
    int c = at < limit ? text.get(at) : 0;
    negative = c == '-';
    if (negative) {
      c = ++at < limit ? text.get(at) : 0;
    }
    if (c < '0' || c > '9') {
      return literal(text, at);
    }
    exponent = 0;
    integer = true;
    truncated = false;
    special = 0;
    int first = at;
    at = whole(text, at, c - '0');
    int count = at - first;
    c = at < limit ? text.get(at) : 0;
    if (c == '.') {
      int fraction = at + 1;
      at = fraction(text, fraction);
      if (at == fraction) {
        return -1;
      }
      count += at - fraction;
      exponent = fraction - at;
      integer = false;
      c = at < limit ? text.get(at) : 0;
    }
    if (count > MAX_DIGITS) {
      keepLeadingDigits(text, first, at);
    }
    if ((c | 0x20) == 'e') {
      at = exponent(text, at + 1);
    }
    to = at;
    return at;
  }

  /** The digits before the point: a 0 alone, or any that begin with another. */
  private int whole(ByteBuffer text, int start, int first) {
    int at = start + 1;
    long value = first;
    int c;
    while (first != 0 && at < end && (c = text.get(at) - '0') >= 0 && c <= 9) {
      value = value * 10 + c;
      at++;
    }
    digits = value;
    return at;
  }

  private int fraction(ByteBuffer text, int start) {
    int at = start;
    long value = digits;
    while (at + 8 <= end) {
      long word = text.getLong(at) ^ FloatRun.ZEROS;
      int n = FloatRun.digits(word);
      if (n == 8) {
        value = value * FloatRun.POWERS[8] + FloatRun.eightDigits(word);
        at += 8;
        continue;
      }
      if (n > 0) {
        value = value * FloatRun.POWERS[n] + FloatRun.eightDigits(word << (64 - 8 * n));
      }
      digits = value;
      return at + n;
    }
    int c;
    while (at < end && (c = text.get(at) - '0') >= 0 && c <= 9) {
      value = value * 10 + c;
      at++;
    }
    digits = value;
    return at;
  }

  /** More digits than fit: keeps the first that count, and says so when others are left out. */
  private void keepLeadingDigits(ByteBuffer text, int first, int last) {
    long value = 0;
    int kept = 0;
    int left = 0;
    int next = 0;
    for (int i = first; i < last; i++) {
      int c = text.get(i) - '0';
      if (c < 0) {
        continue; // the point
      }
      if (kept == MAX_DIGITS) {
        next = left == 0 ? c : next;
        left++;
      } else {
        value = value * 10 + c;
        kept += value == 0 ? 0 : 1;
      }
    }
    long longer = value * 10 + next;
    if (integer && left == 1 && fitsOneMore(value, longer)) {
      digits = longer;
      return;
    }
    digits = value;
    truncated = left > 0;
    exponent += left;
  }

  /** Some numbers of twenty digits still fit an unsigned long. */
  private static boolean fitsOneMore(long value, long longer) {
    return Math.unsignedMultiplyHigh(value, 10) == 0
        && Long.compareUnsigned(longer, value * 10) >= 0;
  }

  private int exponent(ByteBuffer text, int start) {
    int at = start;
    int c = at < end ? text.get(at) : 0;
    boolean minus = c == '-';
    if (minus || c == '+') {
      at++;
    }
    int value = 0;
    int first = at;
    while (at < end && (c = text.get(at) - '0') >= 0 && c <= 9) {
      value = Math.min(MAX_EXPONENT, value * 10 + c);
      at++;
    }
    if (at == first) {
      return -1;
    }
    integer = false;
    exponent += minus ? -value : value;
    return at;
  }

  private int literal(ByteBuffer text, int at) {
    integer = false;
    if (startsWith(text, at, "NaN")) {
      special = Double.NaN;
      return at + 3;
    }
    special = Double.POSITIVE_INFINITY;
    if (startsWith(text, at, "Infinity")) {
      return at + 8;
    }
    return startsWith(text, at, "Inf") ? at + 3 : -1;
  }

  private boolean startsWith(ByteBuffer text, int at, String word) {
    if (at + word.length() > end) {
      return false;
    }
    for (int i = 0; i < word.length(); i++) {
      if (text.get(at + i) != word.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  /** Whether it is an integer from 0 to 2^64-1. */
  boolean fitsUnsigned() {
    return integer && !truncated && (!negative || digits == 0);
  }

  /** Whether it is an integer that a long holds. */
  boolean fitsSigned() {
    return integer && !truncated && (digits >= 0 || (negative && digits == Long.MIN_VALUE));
  }

  /** The integer; unsigned when {@link #fitsUnsigned}. */
  long integer() {
    return negative ? -digits : digits;
  }

  /** The nearest float. */
  float toFloat(ByteBuffer text) {
    if (special != 0) {
      return (float) signed(special);
    }
    long bits = Decimals.floatBits(digits, exponent);
    if (truncated && bits != Decimals.floatBits(digits + 1, exponent)) {
      bits = Decimals.IN_DOUBT;
    }
    if (bits == Decimals.IN_DOUBT) {
      float exact = Float.parseFloat(token(text));
      if (Float.isInfinite(exact)) {
        toDouble(text);
      }
      return exact;
    }
    float value = Float.intBitsToFloat((int) bits);
    return negative ? -value : value;
  }

  /**
   * The nearest double.
   *
   * @throws FaultException when it exceeds every double
   */
  double toDouble(ByteBuffer text) {
    if (special != 0) {
      return signed(special);
    }
    long bits = Decimals.doubleBits(digits, exponent);
    if (truncated && bits != Decimals.doubleBits(digits + 1, exponent)) {
      bits = Decimals.IN_DOUBT;
    }
    double value =
        bits == Decimals.IN_DOUBT
            ? Math.abs(Double.parseDouble(token(text)))
            : Double.longBitsToDouble(bits);
    if (Double.isInfinite(value)) {
      throw JsonCursor.malformed("Number too big to be stored in double.", from);
    }
    return signed(value);
  }

  private double signed(double value) {
    return negative ? -value : value;
  }

  private String token(ByteBuffer text) {
    byte[] bytes = new byte[to - from];
    text.get(from, bytes);
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }
}
