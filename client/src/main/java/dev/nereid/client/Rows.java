package dev.nereid.client;

import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Several calls as the rows of one, and its result as one for each of them. */
final class Rows {
  /** Calls with it belong to a sequence, and go one by one, in their order. */
  private static final String SEQUENCE = "sequence_id";

  private Rows() {}

  /** What calls have in common that can be rows of one. */
  record Likeness(
      String model,
      String version,
      List<String> outputs,
      Map<String, Object> parameters,
      List<Part> inputs) {

    /** An input, whatever its rows. */
    record Part(String name, DataType type, Shape row) {}

    static Likeness of(InferCall call) {
      List<Part> parts =
          call.inputs().stream()
              .map(input -> new Part(input.name(), input.type(), input.shape().inner()))
              .toList();
      return new Likeness(call.model(), call.version(), call.outputs(), call.parameters(), parts);
    }
  }

  /** How many rows a call has; 0 when it must go alone. */
  static int of(InferCall call) {
    if (call.inputs().isEmpty() || call.parameters().containsKey(SEQUENCE)) {
      return 0;
    }
    long rows = -1;
    for (InferInput input : call.inputs()) {
      long outer = input.shape().rank() == 0 ? 0 : input.shape().dim(0);
      if (rows >= 0 && outer != rows) {
        return 0;
      }
      rows = outer;
    }
    return rows > Integer.MAX_VALUE ? 0 : (int) rows;
  }

  /** One call with the rows of all, which are alike; a single one stays as it is. */
  static InferCall join(List<InferCall> calls, Duration timeout) {
    InferCall first = calls.getFirst();
    if (calls.size() == 1) {
      return first.withTimeout(timeout);
    }
    List<InferInput> inputs = new ArrayList<>(first.inputs().size());
    for (int i = 0; i < first.inputs().size(); i++) {
      inputs.add(joined(calls, i));
    }
    return new InferCall(
        first.model(), first.version(), "", inputs, first.outputs(), first.parameters(), timeout);
  }

  private static InferInput joined(List<InferCall> calls, int index) {
    long rows = 0;
    int size = 0;
    for (InferCall call : calls) {
      InferInput input = call.inputs().get(index);
      rows += input.shape().dim(0);
      size = Math.addExact(size, input.data().remaining());
    }
    ByteBuffer data = ByteBuffer.allocate(size);
    calls.forEach(call -> data.put(call.inputs().get(index).data()));
    InferInput first = calls.getFirst().inputs().get(index);
    return new InferInput(first.name(), first.type(), first.shape().withOuter(rows), data.flip());
  }

  /**
   * To each of the joined calls its own rows, as views of the whole.
   *
   * @throws InferenceException of kind MALFORMED when an output has not a row for each
   */
  static List<InferResult> split(InferResult whole, List<InferCall> calls) {
    if (calls.size() == 1) {
      return List.of(whole);
    }
    int all = calls.stream().mapToInt(Rows::of).sum();
    List<int[]> starts = new ArrayList<>(whole.outputs().size());
    whole.outputs().forEach(output -> starts.add(starts(output, all)));
    List<InferResult> results = new ArrayList<>(calls.size());
    int row = 0;
    for (InferCall call : calls) {
      int rows = of(call);
      List<InferOutput> outputs = new ArrayList<>(starts.size());
      for (int i = 0; i < starts.size(); i++) {
        outputs.add(
            part(whole.outputs().get(i), rows, starts.get(i)[row], starts.get(i)[row + rows]));
      }
      results.add(new InferResult(whole.model(), whole.version(), call.id(), outputs));
      row += rows;
    }
    return results;
  }

  private static InferOutput part(InferOutput output, int rows, int from, int to) {
    return new InferOutput(
        output.name(),
        output.type(),
        output.shape().withOuter(rows),
        output.data().slice(from, to - from));
  }

  /** Where each row begins, and where the last one ends. */
  private static int[] starts(InferOutput output, int rows) {
    if (output.shape().rank() == 0 || output.shape().dim(0) != rows) {
      throw unfit(output, "a first dimension of " + rows + ", as was sent");
    }
    int[] starts = new int[rows + 1];
    ByteBuffer data = output.data();
    long elements = output.shape().inner().elementCount();
    for (int i = 0; i < rows; i++) {
      starts[i + 1] =
          output.type().isFixedSize()
              ? Math.toIntExact((i + 1) * elements * output.type().byteSize())
              : afterElements(output, data, starts[i], elements);
    }
    if (starts[rows] != data.remaining()) {
      throw unfit(output, starts[rows] + " bytes, not " + data.remaining());
    }
    return starts;
  }

  private static int afterElements(InferOutput output, ByteBuffer data, int start, long elements) {
    long at = start;
    for (long i = 0; i < elements; i++) {
      if (at + Integer.BYTES > data.limit()) {
        throw unfit(output, "a length before each element");
      }
      at += Integer.BYTES + Integer.toUnsignedLong(data.getInt((int) at));
    }
    if (at > data.limit()) {
      throw unfit(output, "elements as long as they say");
    }
    return (int) at;
  }

  private static InferenceException unfit(InferOutput output, String expected) {
    return GrpcMessages.malformed(
        "output '" + output.name() + "' " + output.shape() + " (expected: " + expected + ")");
  }
}
