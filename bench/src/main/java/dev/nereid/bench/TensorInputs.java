package dev.nereid.bench;

import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.ModelInfo;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;

/**
 * Makes distinct calls of a model from what the server says of its inputs.
 *
 * @param count distinct calls
 * @param batch size of the outermost dimension where it is free
 * @param shapes by input name, for inputs with other free dimensions
 * @param data by input name: {@code random}, {@code zero} or a file of the tensor's bytes, for
 *     inputs of type BYTES of every element's; under the empty name for all others
 * @param images for inputs of type BYTES, one picture per element; empty for short texts
 */
record TensorInputs(
    int count,
    int batch,
    Map<String, Shape> shapes,
    Map<String, String> data,
    List<byte[]> images,
    long seed) {
  private static final String RANDOM = "random";
  private static final String ZERO = "zero";

  TensorInputs {
    if (count < 1) {
      throw new IllegalArgumentException("inputs: " + count + " (expected: >= 1)");
    }
    if (batch < 1) {
      throw new IllegalArgumentException("batch: " + batch + " (expected: >= 1)");
    }
  }

  List<InferCall> calls(ModelInfo model) {
    requireKnown("--shape", shapes.keySet(), model);
    requireKnown("--data", data.keySet(), model);
    SplittableRandom random = new SplittableRandom(seed);
    boolean pictures =
        !images.isEmpty() && model.inputs().stream().anyMatch(i -> i.type() == DataType.BYTES);
    int distinct = pictures ? Math.max(1, images.size() / batch) : count;
    List<InferCall> calls = new ArrayList<>();
    for (int i = 0; i < distinct; i++) {
      List<InferInput> inputs = new ArrayList<>();
      for (ModelInfo.TensorInfo tensor : model.inputs()) {
        inputs.add(input(tensor, i, random));
      }
      calls.add(InferCall.of(model.name(), inputs.toArray(InferInput[]::new)));
    }
    return calls;
  }

  private static void requireKnown(String option, Set<String> names, ModelInfo model) {
    List<String> known = model.inputs().stream().map(ModelInfo.TensorInfo::name).toList();
    for (String name : names) {
      if (!name.isEmpty() && !known.contains(name)) {
        throw new IllegalArgumentException(
            option + ": " + name + " (expected: an input of " + model.name() + ", " + known + ")");
      }
    }
  }

  private InferInput input(ModelInfo.TensorInfo tensor, int index, SplittableRandom random) {
    Shape shape = concrete(tensor);
    String source = data.getOrDefault(tensor.name(), data.getOrDefault("", RANDOM));
    if (tensor.type() == DataType.BYTES) {
      return InferInput.blobs(tensor.name(), shape, elements(source, shape, index, random));
    }
    ByteBuffer bytes =
        switch (source) {
          case ZERO -> ByteBuffer.allocate(sizeOf(tensor, shape));
          case RANDOM -> random(tensor.type(), sizeOf(tensor, shape), random);
          default -> ByteBuffer.wrap(bytesOf(source));
        };
    return new InferInput(tensor.name(), tensor.type(), shape, bytes);
  }

  private Shape concrete(ModelInfo.TensorInfo tensor) {
    Shape given = shapes.get(tensor.name());
    if (given != null) {
      return given;
    }
    long[] dims = tensor.shape().dims();
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == -1) {
        dims[i] = i == 0 ? batch : 1;
      }
    }
    return Shape.of(dims);
  }

  private static int sizeOf(ModelInfo.TensorInfo tensor, Shape shape) {
    return Math.toIntExact(Math.multiplyExact(shape.elementCount(), tensor.type().byteSize()));
  }

  private List<byte[]> elements(String source, Shape shape, int index, SplittableRandom random) {
    List<byte[]> elements = new ArrayList<>();
    for (int i = 0; i < shape.elementCount(); i++) {
      elements.add(
          switch (source) {
            case ZERO -> new byte[0];
            case RANDOM ->
                images.isEmpty()
                    ? Integer.toString(random.nextInt(1_000)).getBytes(StandardCharsets.US_ASCII)
                    : images.get((index * batch + i) % images.size());
            default -> bytesOf(source);
          });
    }
    return elements;
  }

  /** Values that every model can take: fractions in [-1, 1), small whole numbers, both booleans. */
  private static ByteBuffer random(DataType type, int size, SplittableRandom random) {
    ByteBuffer bytes = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    while (bytes.hasRemaining()) {
      float fraction = (float) random.nextDouble(-1, 1);
      int whole = random.nextInt(100);
      switch (type) {
        case BOOL -> bytes.put((byte) (whole & 1));
        case UINT8, INT8 -> bytes.put((byte) whole);
        case UINT16, INT16 -> bytes.putShort((short) whole);
        case UINT32, INT32 -> bytes.putInt(whole);
        case UINT64, INT64 -> bytes.putLong(whole);
        case FP16 -> bytes.putShort(Float.floatToFloat16(fraction));
        case BF16 -> bytes.putShort((short) (Float.floatToRawIntBits(fraction) >>> 16));
        case FP32 -> bytes.putFloat(fraction);
        case FP64 -> bytes.putDouble(fraction);
        case BYTES -> throw new IllegalArgumentException("type: BYTES (expected: a fixed size)");
      }
    }
    return bytes.flip();
  }

  private static byte[] bytesOf(String file) {
    try {
      return Files.readAllBytes(Path.of(file));
    } catch (IOException e) {
      throw new UncheckedIOException("data: " + file, e);
    }
  }
}
