package dev.nereid.protocol;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The parse of one JSON request. Of members given twice the first counts. Confined to one thread.
 */
final class JsonRequestParser {
  private static final int SHARED_MEMORY = -2;

  private final Arrival arrival;
  private final Lease body;
  private final int length;
  private final boolean blobsAllowed;
  private final List<Lease> leases = new ArrayList<>(2);
  private final List<Tensor> inputs = new ArrayList<>(2);
  private final List<RequestedOutput> outputs = new ArrayList<>(2);
  private final List<String> blobOutputs = new ArrayList<>(2);
  private final RequestParameters parameters = new RequestParameters();
  private @Nullable String id;
  private boolean bodyViewed;
  private int blobAt;

  /**
   * The parse of a body.
   *
   * @param length of the body, which is the front of the lease
   * @param textLength where the blobs begin; -1 when the request does not say
   */
  JsonRequestParser(Arrival arrival, Lease body, int length, int textLength) {
    this.arrival = arrival;
    this.body = body;
    this.length = length;
    blobsAllowed = textLength >= 0;
    blobAt = blobsAllowed ? textLength : length;
  }

  /** What parsing has allocated so far; the caller's to close when {@link #parse} throws. */
  List<Lease> leases() {
    return leases;
  }

  InferMessage parse(JsonCursor cursor, JsonTensorReader tensors) {
    boolean inputsSeen = false;
    boolean outputsSeen = false;
    for (boolean more = cursor.enter('{', '}'); more; more = cursor.more('}')) {
      String key = cursor.key();
      if (key.equals("inputs") && !inputsSeen) {
        inputsSeen = true;
        requireArray(cursor, "inputs");
        for (boolean next = cursor.enter('[', ']'); next; next = cursor.more(']')) {
          input(cursor, tensors);
        }
      } else if (key.equals("outputs") && !outputsSeen) {
        outputsSeen = true;
        requireArray(cursor, "outputs");
        for (boolean next = cursor.enter('[', ']'); next; next = cursor.more(']')) {
          output(cursor);
        }
      } else if (key.equals("id") && id == null) {
        id = cursor.string("Unable to parse 'id'");
      } else if (key.equals("parameters")) {
        parameters(cursor);
      } else {
        cursor.skipValue();
      }
    }
    cursor.requireEnd();
    if (!inputsSeen) {
      throw missing("inputs");
    }
    if (blobAt != length) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "unexpected additional input data for model '" + arrival.model() + "'");
    }
    return message();
  }

  private InferMessage message() {
    if (bodyViewed) {
      leases.add(body);
    } else {
      body.close();
    }
    InferRequest.Call call =
        new InferRequest.Call(
            arrival.model(),
            arrival.version(),
            id == null ? "" : id,
            parameters.free(),
            outputs,
            parameters.priority(),
            parameters.timeoutMicros(),
            arrival.receivedNanos(),
            arrival.deadlineNanos());
    ResponseForm form =
        new ResponseForm(parameters.binaryOutput(), !outputs.isEmpty(), blobOutputs);
    return new InferMessage(call, inputs, leases, form);
  }

  private static void requireArray(JsonCursor cursor, String name) {
    if (cursor.peek() != '[') {
      throw cursor.typeMismatch("Unable to parse '" + name + "'", "array", "array");
    }
  }

  private static void requireObject(JsonCursor cursor, String name) {
    if (cursor.peek() != '{') {
      throw cursor.typeMismatch("Unable to parse '" + name + "'", "object", "object");
    }
  }

  private static FaultException missing(String member) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT,
        "Unable to parse '%s': attempt to access non-existing object member '%s'"
            .formatted(member, member));
  }

  private void parameters(JsonCursor cursor) {
    requireObject(cursor, "parameters");
    for (boolean more = cursor.enter('{', '}'); more; more = cursor.more('}')) {
      String key = cursor.key();
      switch (key) {
        case "priority" -> parameters.priority(cursor.unsigned("Unable to parse 'priority'"));
        case "timeout" -> parameters.timeoutMicros(cursor.unsigned("Unable to parse 'timeout'"));
        case "binary_data_output" ->
            parameters.binaryOutput(cursor.bool("Unable to parse 'binary_data_output'"));
        case "sequence_id" ->
            parameters.sequenceId(
                cursor.peek() == '"'
                    ? cursor.string(key)
                    : (Object) cursor.unsigned("Unable to parse 'sequence_id'"));
        case "sequence_start", "sequence_end" ->
            parameters.keep(key, cursor.bool("Unable to parse '" + key + "'"));
        default -> {
          Object value = cursor.scalar();
          if (value == null) {
            throw FaultException.of(
                Fault.INVALID_ARGUMENT,
                "parameter '"
                    + key
                    + "' has invalid type. It should be either 'int', 'bool', 'string' or"
                    + " 'double'");
          }
          parameters.put(key, value);
        }
      }
    }
  }

  /** One element of {@code inputs} as far as it is read. */
  private static final class Input {
    @Nullable String name;
    @Nullable DataType type;
    @Nullable Shape shape;
    long blobSize = -1;
    int dataAt = -1;
    JsonTensorReader.@Nullable Content content;
  }

  private void input(JsonCursor cursor, JsonTensorReader tensors) {
    requireObject(cursor, "inputs");
    Input input = new Input();
    for (boolean more = cursor.enter('{', '}'); more; more = cursor.more('}')) {
      String key = cursor.key();
      if (key.equals("name") && input.name == null) {
        input.name = cursor.name("Unable to parse 'name'");
      } else if (key.equals("datatype") && input.type == null) {
        input.type = dataType(cursor.name("Unable to parse 'datatype'"), input.name);
      } else if (key.equals("shape") && input.shape == null) {
        input.shape = shape(cursor);
      } else if (key.equals("parameters")) {
        inputParameters(cursor, input);
      } else if (key.equals("data") && input.dataAt < 0) {
        input.dataAt = cursor.offset();
        if (input.name == null
            || input.type == null
            || input.shape == null
            || input.blobSize != -1) {
          cursor.skipValue();
        } else {
          data(cursor, tensors, input);
        }
      } else {
        cursor.skipValue();
      }
    }
    finish(cursor, tensors, input);
  }

  private void finish(JsonCursor cursor, JsonTensorReader tensors, Input input) {
    String name = input.name;
    DataType type = input.type;
    Shape shape = input.shape;
    if (name == null || type == null || shape == null) {
      throw missing(name == null ? "name" : type == null ? "datatype" : "shape");
    }
    if (input.dataAt >= 0 == (input.blobSize != -1)) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "Input must set only one of the following fields: 'data', 'binary_data_size' in"
              + " 'parameters', 'shared_memory_region' in 'parameters'. But "
              + (input.dataAt >= 0 ? "several" : "none")
              + " are set for input '"
              + name
              + "'");
    }
    if (input.blobSize != -1) {
      inputs.add(blob(name, type, shape, input.blobSize));
      return;
    }
    if (input.content == null) {
      int resume = cursor.offset();
      cursor.moveTo(input.dataAt);
      data(cursor, tensors, input);
      cursor.moveTo(resume);
    }
    JsonTensorReader.Content content = input.content;
    if (content != null) {
      inputs.add(new Tensor(name, type, shape, content.lease(), 0, content.length()));
    }
  }

  private void data(JsonCursor cursor, JsonTensorReader tensors, Input input) {
    DataType type = input.type;
    Shape shape = input.shape;
    if (type == null || shape == null) {
      return;
    }
    if (type == DataType.FP16 || type == DataType.BF16) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "receiving %s data via JSON is not supported. Please use the binary data format for input '%s'"
              .formatted(type, input.name));
    }
    JsonTensorReader.Content content = tensors.read(cursor, type, elements(shape));
    leases.add(content.lease());
    input.content = content;
  }

  private static long elements(Shape shape) {
    try {
      return shape.elementCount();
    } catch (ArithmeticException e) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "Unable to parse 'shape': the number of elements of " + shape + " is too large");
    }
  }

  private Tensor blob(String name, DataType type, Shape shape, long size) {
    if (size == SHARED_MEMORY) {
      throw sharedMemoryOff();
    }
    if (!blobsAllowed) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "must specify valid 'Infer-Header-Content-Length' in request header and"
              + " 'binary_data_size' when passing inputs in binary data format");
    }
    long missing = size - (length - blobAt);
    if (missing > 0) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "unexpected size for input '%s', expecting %d additional bytes for model '%s'"
              .formatted(name, missing, arrival.model()));
    }
    Tensor tensor = new Tensor(name, type, shape, body, blobAt, (int) size);
    blobAt += (int) size;
    bodyViewed = true;
    return tensor;
  }

  private static FaultException sharedMemoryOff() {
    return FaultException.of(
        Fault.UNSUPPORTED, "Client shared memory is disabled and is not offered by this server");
  }

  private static DataType dataType(String wireName, @Nullable String input) {
    DataType type = DataType.ofWireName(wireName);
    if (type == null) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "inference input '%s' data-type is '%s' (expected: one of %s)"
              .formatted(input == null ? "" : input, wireName, Arrays.toString(DataType.values())));
    }
    return type;
  }

  private static Shape shape(JsonCursor cursor) {
    requireArray(cursor, "shape");
    long[] dims = new long[4];
    int rank = 0;
    for (boolean more = cursor.enter('[', ']'); more; more = cursor.more(']')) {
      if (rank == dims.length) {
        dims = Arrays.copyOf(dims, rank * 2);
      }
      dims[rank++] = cursor.unsigned("Unable to parse 'shape'");
    }
    return Shape.of(Arrays.copyOf(dims, rank));
  }

  private static void inputParameters(JsonCursor cursor, Input input) {
    requireObject(cursor, "parameters");
    for (boolean more = cursor.enter('{', '}'); more; more = cursor.more('}')) {
      String key = cursor.key();
      if (key.equals("binary_data_size")) {
        input.blobSize = cursor.unsigned("Unable to parse 'binary_data_size'");
      } else if (key.equals("shared_memory_region")) {
        input.blobSize = SHARED_MEMORY;
        cursor.skipValue();
      } else {
        cursor.skipValue();
      }
    }
  }

  private void output(JsonCursor cursor) {
    requireObject(cursor, "outputs");
    String name = null;
    boolean binary = false;
    long classes = 0;
    for (boolean more = cursor.enter('{', '}'); more; more = cursor.more('}')) {
      String key = cursor.key();
      if (key.equals("name") && name == null) {
        name = cursor.name("Unable to parse 'name'");
      } else if (key.equals("parameters")) {
        requireObject(cursor, "parameters");
        for (boolean next = cursor.enter('{', '}'); next; next = cursor.more('}')) {
          switch (cursor.key()) {
            case "binary_data" -> binary = cursor.bool("Unable to parse 'binary_data'");
            case "classification" -> classes = cursor.unsigned("Unable to parse 'classification'");
            case "shared_memory_region" -> throw sharedMemoryOff();
            default -> cursor.skipValue();
          }
        }
      } else {
        cursor.skipValue();
      }
    }
    if (name == null) {
      throw missing("name");
    }
    outputs.add(new RequestedOutput(name, (int) Math.min(classes, Integer.MAX_VALUE)));
    if (binary) {
      blobOutputs.add(name);
    }
  }
}
