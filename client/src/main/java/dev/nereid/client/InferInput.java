package dev.nereid.client;

import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A tensor to send. The array given is copied once, here; the record is immutable as long as nobody
 * writes into {@code data}.
 *
 * @param shape concrete, with the batch dimension where the model has one
 * @param data dense, row-major, little-endian; BYTES elements carry a 4-byte length each
 */
public record InferInput(String name, DataType type, Shape shape, ByteBuffer data) {
  public InferInput {
    if (!shape.isConcrete()) {
      throw new IllegalArgumentException(
          name + ".shape: " + shape + " (expected: no free dimension)");
    }
    data = data.slice().order(ByteOrder.LITTLE_ENDIAN);
    if (type.isFixedSize()) {
      long expected = Math.multiplyExact(shape.elementCount(), type.byteSize());
      if (data.remaining() != expected) {
        throw new IllegalArgumentException(
            name
                + ": "
                + data.remaining()
                + " bytes (expected: "
                + expected
                + " for "
                + type
                + shape
                + ")");
      }
    }
  }

  /** FP32 values. */
  public static InferInput floats(String name, Shape shape, float... values) {
    ByteBuffer data = allocate(values.length * Float.BYTES);
    data.asFloatBuffer().put(values);
    return new InferInput(name, DataType.FP32, shape, data);
  }

  /** FP64 values. */
  public static InferInput doubles(String name, Shape shape, double... values) {
    ByteBuffer data = allocate(values.length * Double.BYTES);
    data.asDoubleBuffer().put(values);
    return new InferInput(name, DataType.FP64, shape, data);
  }

  /** INT32 values. */
  public static InferInput ints(String name, Shape shape, int... values) {
    ByteBuffer data = allocate(values.length * Integer.BYTES);
    data.asIntBuffer().put(values);
    return new InferInput(name, DataType.INT32, shape, data);
  }

  /** INT64 values. */
  public static InferInput longs(String name, Shape shape, long... values) {
    ByteBuffer data = allocate(values.length * Long.BYTES);
    data.asLongBuffer().put(values);
    return new InferInput(name, DataType.INT64, shape, data);
  }

  /** UINT8 values. */
  public static InferInput unsignedBytes(String name, Shape shape, byte... values) {
    return new InferInput(name, DataType.UINT8, shape, ByteBuffer.wrap(values.clone()));
  }

  /** BOOL values. */
  public static InferInput booleans(String name, Shape shape, boolean... values) {
    ByteBuffer data = allocate(values.length);
    for (int i = 0; i < values.length; i++) {
      data.put(i, (byte) (values[i] ? 1 : 0));
    }
    return new InferInput(name, DataType.BOOL, shape, data);
  }

  /** BYTES elements, for instance encoded pictures. */
  public static InferInput blobs(String name, Shape shape, List<byte[]> elements) {
    if (elements.size() != shape.elementCount()) {
      throw new IllegalArgumentException(
          name
              + ": "
              + elements.size()
              + " elements (expected: "
              + shape.elementCount()
              + " for "
              + shape
              + ")");
    }
    int size = 0;
    for (byte[] element : elements) {
      size = Math.addExact(size, Integer.BYTES + element.length);
    }
    ByteBuffer data = allocate(size);
    for (byte[] element : elements) {
      data.putInt(element.length).put(element);
    }
    return new InferInput(name, DataType.BYTES, shape, data.flip());
  }

  /** BYTES elements from text, in UTF-8. */
  public static InferInput strings(String name, Shape shape, String... values) {
    return blobs(
        name,
        shape,
        List.of(values).stream().map(v -> v.getBytes(StandardCharsets.UTF_8)).toList());
  }

  /**
   * Any type out of a segment, on the heap or off it, which is read and not copied: it must live,
   * and stay as it is, until the call is encoded.
   *
   * @param data dense, row-major, little-endian
   */
  public static InferInput segment(String name, DataType type, Shape shape, MemorySegment data) {
    return new InferInput(name, type, shape, data.asByteBuffer());
  }

  /** A view of the bytes, little-endian, with a position of its own. */
  @Override
  public ByteBuffer data() {
    return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer allocate(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
