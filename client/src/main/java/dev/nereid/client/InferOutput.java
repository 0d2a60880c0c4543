package dev.nereid.client;

import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A tensor received. It owns its bytes.
 *
 * @param data dense, row-major, little-endian; BYTES elements carry a 4-byte length each
 */
public record InferOutput(String name, DataType type, Shape shape, ByteBuffer data) {
  public InferOutput {
    data = data.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The values of an FP32, FP16 or BF16 tensor. */
  public float[] floats() {
    ByteBuffer bytes = data();
    float[] values = new float[bytes.remaining() / Math.max(1, type.byteSize())];
    switch (type) {
      case FP32 -> bytes.asFloatBuffer().get(values);
      case FP16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = Float.float16ToFloat(bytes.getShort(2 * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < values.length; i++) {
          values[i] = Float.intBitsToFloat(bytes.getShort(2 * i) << 16);
        }
      }
      default -> throw mismatch("FP32, FP16 or BF16");
    }
    return values;
  }

  /** The values of an FP64 tensor. */
  public double[] doubles() {
    require(DataType.FP64);
    double[] values = new double[data.remaining() / Double.BYTES];
    data().asDoubleBuffer().get(values);
    return values;
  }

  /** The values of an INT32 tensor. */
  public int[] ints() {
    require(DataType.INT32);
    int[] values = new int[data.remaining() / Integer.BYTES];
    data().asIntBuffer().get(values);
    return values;
  }

  /** The values of a tensor of any integer type; UINT64 above 2^63 come out negative. */
  public long[] longs() {
    ByteBuffer bytes = data();
    int size = Math.max(1, type.byteSize());
    long[] values = new long[bytes.remaining() / size];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          switch (type) {
            case INT8 -> bytes.get(i);
            case UINT8 -> Byte.toUnsignedLong(bytes.get(i));
            case INT16 -> bytes.getShort(2 * i);
            case UINT16 -> Short.toUnsignedLong(bytes.getShort(2 * i));
            case INT32 -> bytes.getInt(4 * i);
            case UINT32 -> Integer.toUnsignedLong(bytes.getInt(4 * i));
            case INT64, UINT64 -> bytes.getLong(8 * i);
            default -> throw mismatch("an integer type");
          };
    }
    return values;
  }

  /** The values of a BOOL tensor. */
  public boolean[] booleans() {
    require(DataType.BOOL);
    boolean[] values = new boolean[data.remaining()];
    for (int i = 0; i < values.length; i++) {
      values[i] = data.get(i) != 0;
    }
    return values;
  }

  /** The elements of a BYTES tensor. */
  public List<byte[]> blobs() {
    require(DataType.BYTES);
    ByteBuffer bytes = data();
    List<byte[]> elements = new ArrayList<>();
    while (bytes.remaining() >= Integer.BYTES) {
      int length = bytes.getInt();
      if (length < 0 || length > bytes.remaining()) {
        throw new IllegalStateException(
            name
                + ": element of "
                + Integer.toUnsignedString(length)
                + " bytes (expected: at most "
                + bytes.remaining()
                + ")");
      }
      byte[] element = new byte[length];
      bytes.get(element);
      elements.add(element);
    }
    return elements;
  }

  /** The elements of a BYTES tensor as UTF-8 text. */
  public List<String> strings() {
    return blobs().stream().map(element -> new String(element, StandardCharsets.UTF_8)).toList();
  }

  /** The bytes as a segment, not copied. */
  public MemorySegment segment() {
    return MemorySegment.ofBuffer(data());
  }

  /** A view of the bytes, little-endian, with a position of its own. */
  @Override
  public ByteBuffer data() {
    return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  private void require(DataType expected) {
    if (type != expected) {
      throw mismatch(expected.name());
    }
  }

  private IllegalStateException mismatch(String expected) {
    return new IllegalStateException(name + ": " + type + " (expected: " + expected + ")");
  }
}
