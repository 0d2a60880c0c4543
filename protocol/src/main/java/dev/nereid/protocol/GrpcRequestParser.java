package dev.nereid.protocol;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The parse of one ModelInferRequest. Confined to one thread. */
final class GrpcRequestParser {
  private static final int NONE = -1;

  private final Lease body;
  private final ProtoCursor cursor;
  private final List<Lease> leases = new ArrayList<>(2);
  private final List<Input> inputs = new ArrayList<>(2);
  private final List<RequestedOutput> outputs = new ArrayList<>(2);
  private final RequestParameters parameters = new RequestParameters();
  private String model = "";
  private String version = "";
  private String id = "";
  private int[] rawRanges = new int[4]; // offset and length of each blob
  private int rawCount;
  private boolean bodyViewed;

  GrpcRequestParser(Lease body, ProtoCursor cursor) {
    this.body = body;
    this.cursor = cursor;
  }

  /** What parsing has allocated so far; the caller's to close when {@link #parse} throws. */
  List<Lease> leases() {
    return leases;
  }

  InferMessage parse(MemoryPool memory, long receivedNanos, long deadlineNanos) {
    while (cursor.next()) {
      switch (cursor.field(ProtoCursor.BYTES)) {
        case 1 -> model = cursor.name();
        case 2 -> version = cursor.name();
        case 3 -> id = cursor.string();
        case 4 -> parameter();
        case 5 -> input();
        case 6 -> output();
        case 7 -> raw();
        default -> cursor.skip();
      }
    }
    List<Tensor> tensors = new ArrayList<>(inputs.size());
    for (int i = 0; i < inputs.size(); i++) {
      Input input = inputs.get(i);
      tensors.add(rawCount > 0 ? view(input, i) : typed(input, memory));
    }
    InferRequest.Call call =
        new InferRequest.Call(
            model,
            Arrival.version(version),
            id,
            parameters.free(),
            outputs,
            parameters.priority(),
            parameters.timeoutMicros(),
            receivedNanos,
            deadlineNanos);
    if (bodyViewed) {
      leases.add(body);
    } else {
      body.close();
    }
    return new InferMessage(call, tensors, leases, ResponseForm.BINARY);
  }

  /** One element of {@code inputs}, before its bytes are known. */
  private static final class Input {
    String name = "";
    String typeName = "";
    Shape shape = Shape.SCALAR;
    int contentsAt = NONE;
    int contentsLength;

    DataType type() {
      DataType type = DataType.ofWireName(typeName);
      if (type == null) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "inference input '%s' data-type is '%s' (expected: one of %s)"
                .formatted(name, typeName, Arrays.toString(DataType.values())));
      }
      return type;
    }
  }

  private void raw() {
    int length = cursor.length();
    if (rawCount * 2 == rawRanges.length) {
      rawRanges = Arrays.copyOf(rawRanges, rawCount * 4);
    }
    rawRanges[rawCount * 2] = cursor.offset();
    rawRanges[rawCount * 2 + 1] = length;
    rawCount++;
    cursor.advance(length);
  }

  private Tensor view(Input input, int index) {
    if (input.contentsAt != NONE) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "contents field must not be specified when using raw_input_contents for '%s' for model '%s'"
              .formatted(input.name, model));
    }
    if (index >= rawCount) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "unable to find data for input tensor '%s' for model '%s' in request."
              .formatted(input.name, model));
    }
    bodyViewed = true;
    int offset = rawRanges[index * 2];
    int length = rawRanges[index * 2 + 1];
    return new Tensor(input.name, input.type(), input.shape, body, offset, length);
  }

  private Tensor typed(Input input, MemoryPool memory) {
    DataType type = input.type();
    if (input.contentsAt == NONE) {
      bodyViewed = true;
      return new Tensor(input.name, type, input.shape, body, 0, 0);
    }
    Tensor tensor =
        new GrpcContents(body, cursor, memory, model)
            .read(input.name, type, input.shape, input.contentsAt, input.contentsLength);
    if (tensor.lease() == body) {
      bodyViewed = true;
    } else {
      leases.add(tensor.lease());
    }
    return tensor;
  }

  private void input() {
    Input input = new Input();
    int outer = cursor.enter();
    long[] dims = new long[4];
    int rank = 0;
    while (cursor.next()) {
      int field = cursor.field();
      if (field == 3) {
        boolean packed = cursor.wireType() == ProtoCursor.BYTES;
        if (!packed && cursor.wireType() != ProtoCursor.VARINT) {
          throw ProtoCursor.malformed("field 'shape' has wire type " + cursor.wireType());
        }
        int list = packed ? cursor.enter() : NONE;
        while (!packed || !cursor.atEnd()) {
          if (rank == dims.length) {
            dims = Arrays.copyOf(dims, rank * 2);
          }
          dims[rank++] = cursor.varint();
          if (!packed) {
            break;
          }
        }
        if (packed) {
          cursor.leave(list);
        }
        continue;
      }
      inputField(input);
    }
    cursor.leave(outer);
    input.shape = shape(input.name, Arrays.copyOf(dims, rank));
    inputs.add(input);
  }

  private Shape shape(String input, long[] dims) {
    for (long dim : dims) {
      if (dim < 0) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "All input dimensions should be specified for input '%s' for model '%s', got %s"
                .formatted(input, model, Arrays.toString(dims)));
      }
    }
    return Shape.of(dims);
  }

  private void inputField(Input input) {
    switch (cursor.field(ProtoCursor.BYTES)) {
      case 1 -> input.name = cursor.name();
      case 2 -> input.typeName = cursor.name();
      case 4 -> refuseSharedMemory(readEntry());
      case 5 -> {
        if (input.contentsAt != NONE) {
          throw ProtoCursor.malformed("input '" + input.name + "' has contents twice");
        }
        input.contentsLength = cursor.length();
        input.contentsAt = cursor.offset();
        cursor.advance(input.contentsLength);
      }
      default -> cursor.skip();
    }
  }

  private static void refuseSharedMemory(Entry entry) {
    if (entry.key.startsWith("shared_memory_")) {
      throw FaultException.of(
          Fault.UNSUPPORTED, "Client shared memory is disabled and is not offered by this server");
    }
  }

  private void output() {
    String name = "";
    int classes = 0;
    int outer = cursor.enter();
    while (cursor.next()) {
      switch (cursor.field(ProtoCursor.BYTES)) {
        case 1 -> name = cursor.name();
        case 2 -> {
          Entry entry = readEntry();
          refuseSharedMemory(entry);
          if (entry.key.equals("classification")) {
            long count = entry.int64();
            if (count <= 0) {
              throw FaultException.of(
                  Fault.INVALID_ARGUMENT,
                  "invalid value for 'classification' parameter, expected >= 0, got " + count);
            }
            classes = (int) Math.min(count, Integer.MAX_VALUE);
          }
        }
        default -> cursor.skip();
      }
    }
    cursor.leave(outer);
    outputs.add(new RequestedOutput(name, classes));
  }

  /**
   * An entry of a map of parameters.
   *
   * @param arm the field of the value's oneof; 0 for none
   */
  private record Entry(String key, int arm, @Nullable Object value) {
    private FaultException wrongType(String expected) {
      return FaultException.of(
          Fault.INVALID_ARGUMENT,
          "invalid value type for '" + key + "' parameter, expected " + expected + ".");
    }

    long int64() {
      if (arm != 2 || !(value instanceof Long number)) {
        throw wrongType("int64_param");
      }
      return number;
    }

    boolean bool() {
      if (!(value instanceof Boolean flag)) {
        throw wrongType("bool_param");
      }
      return flag;
    }

    long priority() {
      if (!(value instanceof Long number) || (arm == 2 && number < 0)) {
        throw wrongType("int64_param or uint64_param");
      }
      return number;
    }

    Object sequenceId() {
      if (value == null || (arm != 2 && arm != 3)) {
        throw wrongType("int64_param or string_param");
      }
      return value;
    }
  }

  private Entry readEntry() {
    String key = "";
    int arm = 0;
    Object value = null;
    int outer = cursor.enter();
    while (cursor.next()) {
      if (cursor.field(ProtoCursor.BYTES) == 1) {
        key = cursor.name();
      } else if (cursor.field(ProtoCursor.BYTES) == 2) {
        int message = cursor.enter();
        while (cursor.next()) {
          int field = cursor.field();
          Object read = readValue(field);
          arm = read == null ? arm : field;
          value = read == null ? value : read;
        }
        cursor.leave(message);
      } else {
        cursor.skip();
      }
    }
    cursor.leave(outer);
    return new Entry(key, arm, value);
  }

  private @Nullable Object readValue(int field) {
    int wireType = cursor.wireType();
    if (wireType == ProtoCursor.VARINT && field == 1) {
      return cursor.varint() != 0;
    }
    if (wireType == ProtoCursor.VARINT && (field == 2 || field == 5)) {
      return cursor.varint();
    }
    if (wireType == ProtoCursor.BYTES && field == 3) {
      return cursor.string();
    }
    if (wireType == ProtoCursor.FIXED64 && field == 4) {
      return Double.longBitsToDouble(cursor.fixed64());
    }
    cursor.skip();
    return null;
  }

  private void parameter() {
    Entry entry = readEntry();
    switch (entry.key) {
      case "priority" -> parameters.priority(entry.priority());
      case "timeout" -> parameters.timeoutMicros(entry.int64());
      case "sequence_id" -> parameters.sequenceId(entry.sequenceId());
      case "sequence_start", "sequence_end", "triton_enable_empty_final_response" ->
          parameters.keep(entry.key, entry.bool());
      default -> {
        Object value = entry.value;
        if (value == null) {
          throw entry.wrongType("bool_param, int64_param, string_param or double_param");
        }
        parameters.put(entry.key, value);
      }
    }
  }
}
