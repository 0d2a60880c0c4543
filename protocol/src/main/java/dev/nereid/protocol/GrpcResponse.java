package dev.nereid.protocol;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/**
 * An infer response as a ModelInferResponse: its exact size, and its bytes on demand. Tensors are
 * written as raw contents, straight from where they lie. The response stays its owner's and must be
 * open until it is written. Confined to one thread.
 */
public final class GrpcResponse {
  private static final int PARAMETERS = 4;
  private static final int OUTPUTS = 5;
  private static final int RAW = 6;

  private final InferResponse response;
  private final String version;
  private final int headSize;
  private final int size;

  /** The message of a response. */
  public GrpcResponse(InferResponse response) {
    this.response = response;
    version = VERSIONS.text(response.version());
    headSize = measureHead();
    long total = headSize;
    List<Tensor> outputs = response.outputs();
    for (int i = 0; i < outputs.size(); i++) {
      int length = outputs.get(i).length();
      total += 1 + ProtoWriter.varintSize(length) + length;
    }
    if (total > Integer.MAX_VALUE) {
      throw FaultException.of(
          Fault.BACKEND_FAILED,
          "the response has " + total + " bytes (expected: at most 2^31-1 over gRPC)");
    }
    size = (int) total;
  }

  private static final VersionTexts VERSIONS = new VersionTexts();

  /** The decimal texts of small versions, made once. */
  private static final class VersionTexts {
    private final String[] texts = new String[64];

    VersionTexts() {
      for (int i = 0; i < texts.length; i++) {
        texts[i] = Integer.toString(i);
      }
    }

    String text(long version) {
      return version >= 0 && version < texts.length ? texts[(int) version] : Long.toString(version);
    }
  }

  /** The message's size in bytes. */
  public int size() {
    return size;
  }

  /** Writes the message. */
  public void writeTo(OutputStream out) throws IOException {
    try (ProtoWriter writer = new ProtoWriter(out, headSize)) {
      writer.string(1, response.model());
      writer.string(2, version);
      writer.string(3, response.id());
      for (Map.Entry<String, Object> parameter : response.parameters().entrySet()) {
        int valueSize = valueSize(parameter.getValue());
        int keySize = ProtoWriter.stringFieldSize(parameter.getKey());
        writer.tag(PARAMETERS, keySize + 1 + ProtoWriter.varintSize(valueSize) + valueSize);
        writer.string(1, parameter.getKey());
        writer.tag(2, valueSize);
        writeValue(writer, parameter.getValue());
      }
      List<Tensor> outputs = response.outputs();
      for (int i = 0; i < outputs.size(); i++) {
        Tensor output = outputs.get(i);
        writer.tag(OUTPUTS, outputSize(output));
        writer.string(1, output.name());
        writer.string(2, output.type().name());
        writeShape(writer, output.shape());
      }
      for (int i = 0; i < outputs.size(); i++) {
        ByteBuffer bytes = outputs.get(i).bytes();
        writer.tag(RAW, bytes.remaining());
        writer.bytes(bytes);
      }
    }
  }

  private int measureHead() {
    int total =
        ProtoWriter.stringFieldSize(response.model())
            + ProtoWriter.stringFieldSize(version)
            + ProtoWriter.stringFieldSize(response.id());
    if (!response.parameters().isEmpty()) {
      for (Map.Entry<String, Object> parameter : response.parameters().entrySet()) {
        int valueSize = valueSize(parameter.getValue());
        int entry =
            ProtoWriter.stringFieldSize(parameter.getKey())
                + 1
                + ProtoWriter.varintSize(valueSize)
                + valueSize;
        total += 1 + ProtoWriter.varintSize(entry) + entry;
      }
    }
    List<Tensor> outputs = response.outputs();
    for (int i = 0; i < outputs.size(); i++) {
      int output = outputSize(outputs.get(i));
      total += 1 + ProtoWriter.varintSize(output) + output;
    }
    return total;
  }

  private static int outputSize(Tensor output) {
    int dims = dimsSize(output.shape());
    return ProtoWriter.stringFieldSize(output.name())
        + ProtoWriter.stringFieldSize(output.type().name())
        + (dims == 0 ? 0 : 1 + ProtoWriter.varintSize(dims) + dims);
  }

  private static int dimsSize(Shape shape) {
    int size = 0;
    for (int i = 0; i < shape.rank(); i++) {
      size += ProtoWriter.varintSize(shape.dim(i));
    }
    return size;
  }

  private static void writeShape(ProtoWriter writer, Shape shape) throws IOException {
    int size = dimsSize(shape);
    if (size > 0) {
      writer.tag(3, size);
      for (int i = 0; i < shape.rank(); i++) {
        writer.varint(shape.dim(i));
      }
    }
  }

  private static int valueSize(Object value) {
    return switch (value) {
      case Boolean _ -> 2;
      case Long number -> 1 + ProtoWriter.varintSize(number);
      case String text -> {
        int length = ProtoWriter.utf8Length(text);
        yield 1 + ProtoWriter.varintSize(length) + length;
      }
      case Double _ -> 9;
      default ->
          throw FaultException.of(
              Fault.INTERNAL,
              "response parameter: " + value + " (expected: String, Long, Boolean or Double)");
    };
  }

  private static void writeValue(ProtoWriter writer, Object value) throws IOException {
    switch (value) {
      case Boolean flag -> writer.varintField(1, flag ? 1 : 0);
      case Long number -> writer.varintField(2, number);
      case String text -> writer.presentString(3, text);
      case Double number -> writer.fixed64(4, Double.doubleToRawLongBits(number));
      default -> throw new IllegalStateException("response parameter: " + value);
    }
  }
}
