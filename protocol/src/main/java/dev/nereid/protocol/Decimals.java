package dev.nereid.protocol;

import java.math.BigInteger;

/**
 * Decimal numbers to binary floating point, correctly rounded. Thread-safe; allocates nothing.
 *
 * <p>A number is given as {@code digits * 10^exponent} with an unsigned 64-bit count of digits. The
 * product with the upper 64 bits of the power of ten is known to within two units of its upper 64
 * bits; unless half a unit of the result's last place lies within that error, its rounding is
 * certain. Where it is not, the answer is {@link #IN_DOUBT}, and the caller parses exactly.
 */
final class Decimals {
  /** The rounding cannot be told from 64 bits, or the result is not a normal number. */
  static final long IN_DOUBT = -1;

  private static final int LEAST_POWER = -342;
  private static final int GREATEST_POWER = 308;
  private static final int LARGEST_EXACT_POWER = 22;
  private static final long[] MANTISSAS = new long[GREATEST_POWER - LEAST_POWER + 1];
  private static final short[] EXPONENTS = new short[MANTISSAS.length];
  private static final double[] EXACT = new double[LARGEST_EXACT_POWER + 1];

  static {
    BigInteger power = BigInteger.ONE;
    for (int q = 0; q <= GREATEST_POWER; q++) {
      put(q, power, 0);
      power = power.multiply(BigInteger.TEN);
    }
    power = BigInteger.ONE;
    for (int q = -1; q >= LEAST_POWER; q--) {
      power = power.multiply(BigInteger.TEN);
      int shift = power.bitLength() + 66;
      put(q, BigInteger.ONE.shiftLeft(shift).divide(power), -shift);
    }
    double exact = 1;
    for (int q = 0; q <= LARGEST_EXACT_POWER; q++) {
      EXACT[q] = exact;
      exact *= 10;
    }
  }

  private Decimals() {}

  /** Keeps the upper 64 bits of {@code value * 2^exponent}, which is a power of ten. */
  private static void put(int q, BigInteger value, int exponent) {
    int drop = value.bitLength() - 64;
    MANTISSAS[q - LEAST_POWER] = value.shiftRight(drop).longValue();
    EXPONENTS[q - LEAST_POWER] = (short) (exponent + drop);
  }

  /**
   * The bits of the float nearest to {@code digits * 10^exponent}, or {@link #IN_DOUBT}.
   *
   * @param digits unsigned
   */
  static long floatBits(long digits, int exponent) {
    if (exponent == 0 && digits >= 0) {
      return Float.floatToRawIntBits((float) digits);
    }
    return bits(digits, exponent, 23, 127);
  }

  /**
   * The bits of the double nearest to {@code digits * 10^exponent}, or {@link #IN_DOUBT}.
   *
   * @param digits unsigned
   */
  static long doubleBits(long digits, int exponent) {
    if (digits >>> 53 == 0 && exponent >= -LARGEST_EXACT_POWER && exponent <= LARGEST_EXACT_POWER) {
      double value = exponent < 0 ? digits / EXACT[-exponent] : digits * EXACT[exponent];
      return Double.doubleToRawLongBits(value);
    }
    return bits(digits, exponent, 52, 1023);
  }

  private static long bits(long digits, int exponent, int mantissaBits, int bias) {
    if (digits == 0) {
      return 0;
    }
    if (exponent < LEAST_POWER || exponent > GREATEST_POWER) {
      return IN_DOUBT;
    }
    int zeros = Long.numberOfLeadingZeros(digits);
    long high = Math.unsignedMultiplyHigh(digits << zeros, MANTISSAS[exponent - LEAST_POWER]);
    int top = 63 - Long.numberOfLeadingZeros(high);
    int biased = top + 64 + EXPONENTS[exponent - LEAST_POWER] - zeros + bias;
    if (biased < 1 || biased > 2 * bias) {
      return IN_DOUBT;
    }
    int drop = top - mantissaBits;
    long half = 1L << (drop - 1);
    long rest = high & ((half << 1) - 1);
    if (rest == half || rest == half - 1) {
      return IN_DOUBT;
    }
    long mantissa = (high >>> drop) - (1L << mantissaBits);
    // Rounding up may carry into the exponent, which is then right too, up to infinity.
    return ((long) biased << mantissaBits) + mantissa + (rest > half ? 1 : 0);
  }
}
