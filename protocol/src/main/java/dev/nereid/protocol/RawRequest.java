package dev.nereid.protocol;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.List;
import java.util.Map;

/** A body without JSON: the bytes of the only input of a model, whose shape the model tells. */
final class RawRequest {
  private static final int LENGTH_PREFIX = 4;

  private RawRequest() {}

  /** The front of a lease. */
  record Body(Lease lease, int length) {}

  static InferMessage read(Arrival arrival, Body body, ModelConfig config, MemoryPool memory) {
    if (config.getInputCount() != 1) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "Raw request must only have 1 input (found %d) to be deduced but got %d inputs in '%s' model configuration"
              .formatted(1, config.getInputCount(), arrival.model()));
    }
    ModelInput input = config.getInput(0);
    DataType type = typeOf(input);
    Shape shape = shape(input, type, config.getMaxBatchSize() > 0, body.length);
    boolean prefixed = type == DataType.BYTES;
    Lease lease = prefixed ? element(body, memory) : body.lease;
    int length = prefixed ? lease.size() : body.length;
    Tensor tensor = new Tensor(input.getName(), type, shape, lease, 0, length);
    InferRequest.Call call =
        new InferRequest.Call(
            arrival.model(),
            arrival.version(),
            "",
            Map.of(),
            List.of(),
            0,
            0,
            arrival.receivedNanos(),
            arrival.deadlineNanos());
    return new InferMessage(call, List.of(tensor), List.of(lease), ResponseForm.BINARY);
  }

  private static DataType typeOf(ModelInput input) {
    String name = input.getDataType().name().substring("TYPE_".length());
    DataType type = DataType.ofWireName(name.equals("STRING") ? "BYTES" : name);
    if (type == null) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT, "input '" + input.getName() + "': has no data type");
    }
    return type;
  }

  private static Lease element(Body body, MemoryPool memory) {
    Lease lease = memory.take(LENGTH_PREFIX + body.length);
    lease.bytes().putInt(body.length).put(body.lease.bytes(0, body.length));
    body.lease.close();
    return lease;
  }

  private static Shape shape(ModelInput input, DataType type, boolean batching, int bytes) {
    List<Long> dims = input.getDimsList();
    if (type == DataType.BYTES) {
      if (!dims.equals(List.of(1L))) {
        throw refused(input, "BYTES input must have shape [1]");
      }
      return batching ? Shape.of(1, 1) : Shape.of(1);
    }
    long fixed = type.byteSize();
    int free = -1;
    for (int i = 0; i < dims.size(); i++) {
      if (dims.get(i) >= 0) {
        fixed = Math.multiplyExact(fixed, dims.get(i));
      } else if (free >= 0) {
        throw refused(input, "it has more than one variable-sized dimension");
      } else {
        free = i;
      }
    }
    long[] concrete = dims.stream().mapToLong(Long::longValue).toArray();
    if (free >= 0) {
      if (fixed == 0 || bytes % fixed != 0) {
        throw refused(
            input, "byte size " + bytes + " is not a multiple of the fixed dimensions' " + fixed);
      }
      concrete[free] = bytes / fixed;
    }
    Shape shape = Shape.of(concrete);
    return batching ? shape.prepend(1) : shape;
  }

  private static FaultException refused(ModelInput input, String reason) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT,
        "The shape of raw input '" + input.getName() + "' can not be deduced: " + reason);
  }
}
