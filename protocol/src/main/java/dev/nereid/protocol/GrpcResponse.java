package dev.nereid.protocol;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Tensor;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.List;

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
      GrpcParameters.write(writer, PARAMETERS, response.parameters());
      List<Tensor> outputs = response.outputs();
      for (int i = 0; i < outputs.size(); i++) {
        Tensor output = outputs.get(i);
        GrpcTensors.write(writer, OUTPUTS, output);
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
            + ProtoWriter.stringFieldSize(response.id())
            + GrpcParameters.size(response.parameters());
    List<Tensor> outputs = response.outputs();
    for (int i = 0; i < outputs.size(); i++) {
      int output = GrpcTensors.size(outputs.get(i));
      total += 1 + ProtoWriter.varintSize(output) + output;
    }
    return total;
  }
}
