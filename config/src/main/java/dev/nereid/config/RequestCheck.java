package dev.nereid.config;

import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether a request fits the model it asks for. Runs on every request before it is queued: a sound
 * one costs a few comparisons per tensor and one pass over the lengths of BYTES elements.
 * Thread-safe.
 */
public final class RequestCheck {
  /** Bytes of the length before each BYTES element. */
  private static final int LENGTH_BYTES = 4;

  private static final int BITS = 64;

  private RequestCheck() {}

  /** What is wrong with the request, prefixed with its id; null when nothing is. */
  public static @Nullable Failure check(ModelSpec spec, InferRequest request) {
    String problem = names(spec, request.inputs());
    if (problem == null && spec.batching()) {
      problem = batch(spec, request.inputs());
    }
    if (problem == null) {
      problem = contents(spec, request.inputs());
    }
    if (problem == null) {
      problem = outputs(spec, request.call().outputs());
    }
    return problem == null ? null : failure(request, problem);
  }

  private static Failure failure(InferRequest request, String problem) {
    String id = request.call().id();
    return Fault.INVALID_ARGUMENT.with(
        "[request id: " + (id.isEmpty() ? "<id_unknown>" : id) + "] " + problem);
  }

  private static @Nullable String names(ModelSpec spec, List<Tensor> inputs) {
    int declared = spec.inputs().size();
    if (inputs.size() < spec.requiredInputs() || inputs.size() > declared) {
      String twice = duplicate(inputs);
      return twice == null ? wrongCount(spec, inputs) : twice;
    }
    long seen = 0;
    BitSet manySeen = declared > BITS ? new BitSet(declared) : null;
    int required = 0;
    for (int i = 0; i < inputs.size(); i++) {
      Tensor tensor = inputs.get(i);
      int index = spec.inputIndex(tensor.name(), i);
      if (index < 0) {
        return "unexpected inference input '%s' for model '%s'"
            .formatted(tensor.name(), spec.name());
      }
      if (manySeen == null ? (seen & 1L << index) != 0 : manySeen.get(index)) {
        return duplicate(inputs);
      }
      if (manySeen == null) {
        seen |= 1L << index;
      } else {
        manySeen.set(index);
      }
      TensorSpec expected = spec.inputs().get(index);
      required += expected.optional() ? 0 : 1;
      if (tensor.type() != expected.type()) {
        return "inference input '%s' data-type is '%s', but model '%s' expects '%s'"
            .formatted(tensor.name(), tensor.type(), spec.name(), expected.type());
      }
    }
    return required == spec.requiredInputs() ? null : wrongCount(spec, inputs);
  }

  private static @Nullable String duplicate(List<Tensor> inputs) {
    for (int i = 0; i < inputs.size(); i++) {
      for (int j = 0; j < i; j++) {
        if (inputs.get(i).name().equals(inputs.get(j).name())) {
          return "input '" + inputs.get(i).name() + "' already exists in request";
        }
      }
    }
    return null;
  }

  private static String wrongCount(ModelSpec spec, List<Tensor> inputs) {
    List<String> given = inputs.stream().map(Tensor::name).toList();
    List<String> missing = new ArrayList<>();
    for (TensorSpec expected : spec.inputs()) {
      if (!expected.optional() && !given.contains(expected.name())) {
        missing.add(expected.name());
      }
    }
    int most = spec.inputs().size();
    int least = spec.requiredInputs();
    String expected =
        least == most
            ? "expected " + most + " inputs"
            : "expected number of inputs between " + least + " and " + most;
    return "%s but got %d inputs for model '%s'. Got input(s) %s, but missing required input(s) %s"
        .formatted(expected, inputs.size(), spec.name(), quoted(given), quoted(missing));
  }

  private static String quoted(List<String> names) {
    return names.isEmpty() ? "[]" : "['" + String.join("','", names) + "']";
  }

  private static @Nullable String batch(ModelSpec spec, List<Tensor> inputs) {
    long batch = -1;
    for (int i = 0; i < inputs.size(); i++) {
      Tensor tensor = inputs.get(i);
      if (expected(spec, tensor, i).isShapeTensor()) {
        continue;
      }
      if (tensor.shape().rank() == 0) {
        return "input '%s' has no shape but model requires batch dimension for '%s'"
            .formatted(tensor.name(), spec.name());
      }
      long rows = tensor.shape().dim(0);
      if (batch >= 0 && rows >= 0 && rows != batch) {
        return "input '%s' batch size does not match other inputs for '%s': %d (expected: %d)"
            .formatted(tensor.name(), spec.name(), rows, batch);
      }
      batch = rows;
    }
    if (batch == 0 || batch > spec.maxBatchSize()) {
      return "inference request batch-size must be <= %d for '%s'%s, got %d"
          .formatted(spec.maxBatchSize(), spec.name(), batch == 0 ? " and at least 1" : "", batch);
    }
    return null;
  }

  private static TensorSpec expected(ModelSpec spec, Tensor tensor, int guess) {
    return spec.inputs().get(spec.inputIndex(tensor.name(), guess));
  }

  private static @Nullable String contents(ModelSpec spec, List<Tensor> inputs) {
    for (int i = 0; i < inputs.size(); i++) {
      Tensor tensor = inputs.get(i);
      TensorSpec expected = expected(spec, tensor, i);
      Shape shape = tensor.shape();
      for (int d = 0; d < shape.rank(); d++) {
        if (shape.dim(d) < 0) {
          return "All input dimensions should be specified for input '%s' for model '%s', got %s"
              .formatted(tensor.name(), spec.name(), shape);
        }
      }
      int outer = spec.batching() && !expected.isShapeTensor() ? 1 : 0;
      if (!fits(expected.dims(), shape, outer)) {
        return wrongShape(spec, expected, shape, outer);
      }
      String problem = bytes(spec, tensor);
      if (problem != null) {
        return problem;
      }
    }
    return null;
  }

  private static boolean fits(Shape dims, Shape shape, int outer) {
    if (shape.rank() != dims.rank() + outer) {
      return false;
    }
    for (int d = 0; d < dims.rank(); d++) {
      if (dims.dim(d) != -1 && dims.dim(d) != shape.dim(d + outer)) {
        return false;
      }
    }
    return true;
  }

  private static String wrongShape(ModelSpec spec, TensorSpec expected, Shape shape, int outer) {
    String hint = "";
    if (outer == 1 && fits(expected.dims(), shape, 0)) {
      hint =
          ". The batch dimension is missing: max_batch_size is %d, so the shape begins with it"
              .formatted(spec.maxBatchSize());
    } else if (!spec.batching() && fits(expected.dims(), shape, 1)) {
      hint = ". There is one dimension too many: max_batch_size is 0, so there is none for a batch";
    }
    return "unexpected shape for input '%s' for model '%s'. Expected %s, got %s%s"
        .formatted(
            expected.name(),
            spec.name(),
            outer == 1 ? expected.wireShape() : expected.dims(),
            shape,
            hint);
  }

  private static @Nullable String bytes(ModelSpec spec, Tensor tensor) {
    long elements = 1;
    for (int d = 0; d < tensor.shape().rank(); d++) {
      long dim = tensor.shape().dim(d);
      boolean tooMany = dim != 0 && elements > Long.MAX_VALUE / 8 / dim;
      elements = tooMany ? Long.MAX_VALUE / 8 : elements * dim;
      if (dim == 0) {
        break;
      }
    }
    if (tensor.type() == DataType.BYTES) {
      return strings(spec, tensor, elements);
    }
    long length = elements * tensor.type().byteSize();
    return length == tensor.length()
        ? null
        : "input byte size mismatch for input '%s' for model '%s'. Expected %d, got %d"
            .formatted(tensor.name(), spec.name(), length, tensor.length());
  }

  private static @Nullable String strings(ModelSpec spec, Tensor tensor, long expected) {
    ByteBuffer bytes = tensor.bytes();
    long found = 0;
    while (bytes.hasRemaining()) {
      if (found == expected) {
        return "unexpected number of string elements %d for %s, expecting %d"
            .formatted(found + 1, input(spec, tensor), expected);
      }
      if (bytes.remaining() < LENGTH_BYTES) {
        return "incomplete string length indicator for %s, expecting %d bytes but only %d available"
            .formatted(input(spec, tensor), LENGTH_BYTES, bytes.remaining());
      }
      int length = bytes.getInt();
      if (length < 0 || length > bytes.remaining()) {
        return "incomplete string data for %s, expecting a string of %d bytes but only %d available"
            .formatted(input(spec, tensor), Integer.toUnsignedLong(length), bytes.remaining());
      }
      bytes.position(bytes.position() + length);
      found++;
    }
    return found == expected
        ? null
        : "expected %d string elements for %s, got %d"
            .formatted(expected, input(spec, tensor), found);
  }

  private static String input(ModelSpec spec, Tensor tensor) {
    return "inference input '" + tensor.name() + "' for model '" + spec.name() + "'";
  }

  private static @Nullable String outputs(ModelSpec spec, List<RequestedOutput> outputs) {
    for (int i = 0; i < outputs.size(); i++) {
      if (spec.output(outputs.get(i).name()) == null) {
        return "unexpected inference output '%s' for model '%s'"
            .formatted(outputs.get(i).name(), spec.name());
      }
    }
    return null;
  }
}
