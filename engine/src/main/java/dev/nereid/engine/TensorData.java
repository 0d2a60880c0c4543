package dev.nereid.engine;

import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A tensor with its values, in memory of its own. Immutable as long as nobody writes to the array
 * or buffer that it was made of.
 *
 * @param shape concrete; its first dimension is the batch, if the model batches
 * @param data dense, row-major, little-endian; BYTES elements carry a 4-byte length each
 */
public record TensorData(String name, DataType type, Shape shape, ByteBuffer data) {
  public TensorData {
    if (name.isEmpty() || !shape.isConcrete()) {
      throw new IllegalArgumentException(
          "tensor '%s': shape %s (expected: a name, no free dimension)".formatted(name, shape));
    }
    long expected = shape.elementCount() * type.byteSize();
    if (type.isFixedSize() && data.remaining() != expected) {
      throw new IllegalArgumentException(
          "tensor '%s': %d bytes (expected: %d, for %s %s)"
              .formatted(name, data.remaining(), expected, type, shape));
    }
    data = data.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  private static ByteBuffer room(int elements, int size) {
    return ByteBuffer.allocate(Math.multiplyExact(elements, size)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** FP32 values. */
  public static TensorData floats(String name, Shape shape, float... values) {
    ByteBuffer data = room(values.length, Float.BYTES);
    data.asFloatBuffer().put(values);
    return new TensorData(name, DataType.FP32, shape, data);
  }

  /** FP64 values. */
  public static TensorData doubles(String name, Shape shape, double... values) {
    ByteBuffer data = room(values.length, Double.BYTES);
    data.asDoubleBuffer().put(values);
    return new TensorData(name, DataType.FP64, shape, data);
  }

  /** INT32 values. */
  public static TensorData ints(String name, Shape shape, int... values) {
    ByteBuffer data = room(values.length, Integer.BYTES);
    data.asIntBuffer().put(values);
    return new TensorData(name, DataType.INT32, shape, data);
  }

  /** INT64 values. */
  public static TensorData longs(String name, Shape shape, long... values) {
    ByteBuffer data = room(values.length, Long.BYTES);
    data.asLongBuffer().put(values);
    return new TensorData(name, DataType.INT64, shape, data);
  }

  /** BYTES elements of any content, such as encoded pictures. */
  public static TensorData blobs(String name, Shape shape, List<byte[]> elements) {
    int bytes = elements.stream().mapToInt(each -> Integer.BYTES + each.length).sum();
    ByteBuffer data = room(bytes, 1);
    elements.forEach(each -> data.putInt(each.length).put(each));
    return new TensorData(name, DataType.BYTES, shape, data.flip());
  }

  /** BYTES elements that are texts in UTF-8. */
  public static TensorData texts(String name, Shape shape, String... elements) {
    return blobs(
        name,
        shape,
        List.of(elements).stream().map(each -> each.getBytes(StandardCharsets.UTF_8)).toList());
  }

  /** A copy of a tensor, which may go then. */
  static TensorData copyOf(Tensor tensor) {
    ByteBuffer data = room(tensor.length(), 1).put(tensor.bytes()).flip();
    return new TensorData(tensor.name(), tensor.type(), tensor.shape(), data);
  }

  /** A view of the bytes, little-endian, with a position of its own. */
  @Override
  public ByteBuffer data() {
    return data.duplicate().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The values of an FP32 tensor. */
  public float[] floats() {
    requireType(DataType.FP32);
    float[] values = new float[data.remaining() / Float.BYTES];
    data().asFloatBuffer().get(values);
    return values;
  }

  /** The values of an FP64 tensor. */
  public double[] doubles() {
    requireType(DataType.FP64);
    double[] values = new double[data.remaining() / Double.BYTES];
    data().asDoubleBuffer().get(values);
    return values;
  }

  /** The values of an INT32 tensor. */
  public int[] ints() {
    requireType(DataType.INT32);
    int[] values = new int[data.remaining() / Integer.BYTES];
    data().asIntBuffer().get(values);
    return values;
  }

  /** The values of an INT64 tensor. */
  public long[] longs() {
    requireType(DataType.INT64);
    long[] values = new long[data.remaining() / Long.BYTES];
    data().asLongBuffer().get(values);
    return values;
  }

  /** The elements of a BYTES tensor. */
  public List<byte[]> blobs() {
    requireType(DataType.BYTES);
    List<byte[]> elements = new ArrayList<>();
    ByteBuffer left = data();
    while (left.hasRemaining()) {
      byte[] element = new byte[left.getInt()];
      left.get(element);
      elements.add(element);
    }
    return elements;
  }

  /** The elements of a BYTES tensor that holds texts in UTF-8. */
  public List<String> texts() {
    return blobs().stream().map(each -> new String(each, StandardCharsets.UTF_8)).toList();
  }

  private void requireType(DataType expected) {
    if (type != expected) {
      throw new IllegalStateException(
          "tensor '%s': %s (expected: %s)".formatted(name, type, expected));
    }
  }
}
