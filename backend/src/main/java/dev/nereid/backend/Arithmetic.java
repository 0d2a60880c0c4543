package dev.nereid.backend;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;

/** Sums and differences of tensors, element by element. */
final class Arithmetic {
  private Arithmetic() {}

  /** Writes left + right, or left - right, to the target. All three are as long. */
  static void combine(
      DataType type, ByteBuffer left, ByteBuffer right, ByteBuffer target, boolean sum) {
    while (left.hasRemaining()) {
      switch (type) {
        case INT8, UINT8 -> target.put((byte) integer(left.get(), right.get(), sum));
        case INT16, UINT16 ->
            target.putShort((short) integer(left.getShort(), right.getShort(), sum));
        case INT32, UINT32 -> target.putInt((int) integer(left.getInt(), right.getInt(), sum));
        case INT64, UINT64 -> target.putLong(integer(left.getLong(), right.getLong(), sum));
        case FP16 -> target.putShort(half(left.getShort(), right.getShort(), sum));
        case BF16 -> target.putShort(brain(left.getShort(), right.getShort(), sum));
        case FP32 -> target.putFloat((float) real(left.getFloat(), right.getFloat(), sum));
        case FP64 -> target.putDouble(real(left.getDouble(), right.getDouble(), sum));
        case BOOL, BYTES ->
            throw FaultException.of(
                Fault.UNSUPPORTED, "addsub: " + type + " (expected: a numeric type)");
      }
    }
  }

  private static long integer(long left, long right, boolean sum) {
    return sum ? left + right : left - right;
  }

  private static double real(double left, double right, boolean sum) {
    return sum ? left + right : left - right;
  }

  private static short half(short left, short right, boolean sum) {
    double result = real(Float.float16ToFloat(left), Float.float16ToFloat(right), sum);
    return Float.floatToFloat16((float) result);
  }

  /** BF16 is the upper half of the pattern of an FP32; the result is truncated likewise. */
  private static short brain(short left, short right, boolean sum) {
    float a = Float.intBitsToFloat(left << Short.SIZE);
    float b = Float.intBitsToFloat(right << Short.SIZE);
    return (short) (Float.floatToRawIntBits((float) real(a, b, sum)) >>> Short.SIZE);
  }
}
