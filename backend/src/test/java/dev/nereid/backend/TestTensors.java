package dev.nereid.backend;

import dev.nereid.core.DataType;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Reply;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Makes tensors and requests for tests, and reads answers. Thread-safe. */
public final class TestTensors {
  private final MemoryPool pool;

  /** Makes tensors in blocks of that pool. */
  public TestTensors(MemoryPool pool) {
    this.pool = pool;
  }

  /** A tensor of raw bytes, in a lease of its own. */
  public Tensor raw(String name, DataType type, Shape shape, byte[] bytes) {
    Lease lease = pool.copyOf(bytes);
    return new Tensor(name, type, shape, lease, 0, bytes.length);
  }

  /** An FP32 tensor. */
  public Tensor floats(String name, Shape shape, float... values) {
    byte[] bytes = new byte[values.length * Float.BYTES];
    littleEndian(bytes).asFloatBuffer().put(values);
    return raw(name, DataType.FP32, shape, bytes);
  }

  /** An INT32 tensor. */
  public Tensor ints(String name, Shape shape, int... values) {
    byte[] bytes = new byte[values.length * Integer.BYTES];
    littleEndian(bytes).asIntBuffer().put(values);
    return raw(name, DataType.INT32, shape, bytes);
  }

  /** An INT64 tensor. */
  public Tensor longs(String name, Shape shape, long... values) {
    byte[] bytes = new byte[values.length * Long.BYTES];
    littleEndian(bytes).asLongBuffer().put(values);
    return raw(name, DataType.INT64, shape, bytes);
  }

  /** A BYTES tensor of texts in UTF-8. */
  public Tensor texts(String name, Shape shape, String... values) {
    return blobs(
        name,
        shape,
        Arrays.stream(values)
            .map(value -> value.getBytes(StandardCharsets.UTF_8))
            .toArray(byte[][]::new));
  }

  /** A BYTES tensor of any bytes. */
  public Tensor blobs(String name, Shape shape, byte[]... values) {
    byte[] bytes = new byte[Arrays.stream(values).mapToInt(v -> Integer.BYTES + v.length).sum()];
    ByteBuffer target = littleEndian(bytes);
    for (byte[] value : values) {
      target.putInt(value.length).put(value);
    }
    return raw(name, DataType.BYTES, shape, bytes);
  }

  /** A request of these tensors, whose leases it takes over. */
  public static InferRequest request(Reply reply, Tensor... inputs) {
    return request(InferRequest.Call.of("model", 0), reply, inputs);
  }

  /** A request of these tensors, whose leases it takes over. */
  public static InferRequest request(InferRequest.Call call, Reply reply, Tensor... inputs) {
    return new InferRequest(
        call, List.of(inputs), Arrays.stream(inputs).map(Tensor::lease).toList(), reply);
  }

  /** The values of an FP32 tensor. */
  public static float[] floatsOf(Tensor tensor) {
    float[] values = new float[tensor.length() / Float.BYTES];
    tensor.bytes().asFloatBuffer().get(values);
    return values;
  }

  /** The values of an INT32 tensor. */
  public static int[] intsOf(Tensor tensor) {
    int[] values = new int[tensor.length() / Integer.BYTES];
    tensor.bytes().asIntBuffer().get(values);
    return values;
  }

  /** The values of an INT64 tensor. */
  public static long[] longsOf(Tensor tensor) {
    long[] values = new long[tensor.length() / Long.BYTES];
    tensor.bytes().asLongBuffer().get(values);
    return values;
  }

  /** The bytes of a tensor. */
  public static byte[] rawOf(Tensor tensor) {
    byte[] bytes = new byte[tensor.length()];
    tensor.bytes().get(bytes);
    return bytes;
  }

  /** The elements of a BYTES tensor. */
  public static List<byte[]> blobsOf(Tensor tensor) {
    List<byte[]> blobs = new ArrayList<>();
    ByteBuffer bytes = tensor.bytes();
    while (bytes.hasRemaining()) {
      byte[] blob = new byte[bytes.getInt()];
      bytes.get(blob);
      blobs.add(blob);
    }
    return blobs;
  }

  /** The elements of a BYTES tensor that holds texts in UTF-8. */
  public static List<String> textsOf(Tensor tensor) {
    return blobsOf(tensor).stream().map(b -> new String(b, StandardCharsets.UTF_8)).toList();
  }

  private static ByteBuffer littleEndian(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
