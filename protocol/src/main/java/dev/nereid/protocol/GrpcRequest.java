package dev.nereid.protocol;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Tensor;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * An infer request as a ModelInferRequest: its exact size, and its bytes on demand, any number of
 * times. Tensors are written as raw contents, straight from where they lie, which must be open
 * meanwhile. Immutable.
 */
public final class GrpcRequest {
  private static final int PARAMETERS = 4;
  private static final int INPUTS = 5;
  private static final int OUTPUTS = 6;
  private static final int RAW = 7;

  private final String model;
  private final String version;
  private final String id;
  private final Map<String, Object> parameters;
  private final List<Tensor> inputs;
  private final List<RequestedOutput> outputs;
  private final int headSize;
  private final int size;

  /**
   * The message of a request.
   *
   * @param priority as the receiver counts: 1 is the highest; 0 leaves it to the model
   */
  public GrpcRequest(InferRequest.Call call, List<Tensor> inputs, long priority) {
    model = call.model();
    version = call.version() < 0 ? "" : Long.toString(call.version());
    id = call.id();
    parameters = wireParameters(call, priority);
    this.inputs = inputs;
    outputs = call.outputs();
    headSize = measureHead();
    long total = headSize;
    for (Tensor input : inputs) {
      total += 1L + ProtoWriter.varintSize(input.length()) + input.length();
    }
    if (total > Integer.MAX_VALUE) {
      throw FaultException.of(
          Fault.TOO_LARGE, "the request has " + total + " bytes (expected: at most 2^31-1)");
    }
    size = (int) total;
  }

  private static Map<String, Object> wireParameters(InferRequest.Call call, long priority) {
    if (priority <= 0 && call.timeoutMicros() <= 0) {
      return call.parameters();
    }
    Map<String, Object> all = new HashMap<>(call.parameters());
    if (priority > 0) {
      all.put("priority", priority);
    }
    if (call.timeoutMicros() > 0) {
      all.put("timeout", call.timeoutMicros());
    }
    return all;
  }

  private int measureHead() {
    int total =
        ProtoWriter.stringFieldSize(model)
            + ProtoWriter.stringFieldSize(version)
            + ProtoWriter.stringFieldSize(id)
            + GrpcParameters.size(parameters);
    for (Tensor input : inputs) {
      int length = GrpcTensors.size(input);
      total += 1 + ProtoWriter.varintSize(length) + length;
    }
    for (RequestedOutput output : outputs) {
      int length = outputSize(output);
      total += 1 + ProtoWriter.varintSize(length) + length;
    }
    return total;
  }

  /** The message's size in bytes. */
  public int size() {
    return size;
  }

  /** Writes the message. */
  public void writeTo(OutputStream out) throws IOException {
    try (ProtoWriter writer = new ProtoWriter(out, headSize)) {
      writer.string(1, model);
      writer.string(2, version);
      writer.string(3, id);
      GrpcParameters.write(writer, PARAMETERS, parameters);
      for (Tensor input : inputs) {
        GrpcTensors.write(writer, INPUTS, input);
      }
      for (RequestedOutput output : outputs) {
        writer.tag(OUTPUTS, outputSize(output));
        writer.string(1, output.name());
        GrpcParameters.write(writer, 2, outputParameters(output));
      }
      for (Tensor input : inputs) {
        ByteBuffer bytes = input.bytes();
        writer.tag(RAW, bytes.remaining());
        writer.bytes(bytes);
      }
    }
  }

  private static int outputSize(RequestedOutput output) {
    return ProtoWriter.stringFieldSize(output.name())
        + GrpcParameters.size(outputParameters(output));
  }

  private static Map<String, Object> outputParameters(RequestedOutput output) {
    return output.classes() == 0 ? Map.of() : Map.of("classification", (long) output.classes());
  }
}
