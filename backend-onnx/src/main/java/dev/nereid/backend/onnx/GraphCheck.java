package dev.nereid.backend.onnx;

import dev.nereid.backend.Reshape;
import dev.nereid.backend.onnx.OnnxFile.Value;
import dev.nereid.config.proto.BatchInput;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Shape;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Holds a configuration against the graph it is for, when a model is opened. */
final class GraphCheck {
  private final ModelConfig config;
  private final boolean batching;

  private GraphCheck(ModelConfig config) {
    this.config = config;
    batching = config.getMaxBatchSize() > 0;
  }

  /**
   * Checks names, types and shapes.
   *
   * @throws FaultException with the first contradiction
   */
  static void check(ModelConfig config, List<Value> inputs, List<Value> outputs) {
    GraphCheck check = new GraphCheck(config);
    for (ModelInput input : config.getInputList()) {
      Value value = find("input", input.getName(), inputs);
      check.type("input", input.getName(), input.getDataType(), value);
      if (!input.getAllowRaggedBatch()) {
        check.shape(input.getName(), Reshape.of(input, check.batching).modelShape(), value);
      }
    }
    for (ModelOutput output : config.getOutputList()) {
      Value value = find("output", output.getName(), outputs);
      check.type("output", output.getName(), output.getDataType(), value);
      if (config.getBatchOutputList().stream()
          .noneMatch(scattered -> scattered.getTargetNameList().contains(output.getName()))) {
        check.shape(output.getName(), Reshape.of(output, check.batching).modelShape(), value);
      }
    }
    for (BatchInput made : config.getBatchInputList()) {
      for (String target : made.getTargetNameList()) {
        check.type("input", target, made.getDataType(), find("input", target, inputs));
      }
    }
    check.everyInputIsFed(inputs);
  }

  private static Value find(String kind, String name, List<Value> values) {
    return values.stream()
        .filter(value -> value.name().equals(name))
        .findFirst()
        .orElseThrow(() -> unknown(kind, name, values));
  }

  static FaultException unknown(String kind, String name, List<Value> values) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT,
        "unexpected inference %s '%s', allowed %ss are: %s"
            .formatted(
                kind, name, kind, String.join(", ", values.stream().map(Value::name).toList())));
  }

  private void type(String kind, String name, DataType declared, Value value) {
    dev.nereid.core.DataType actual = value.type();
    if (actual == null) {
      throw FaultException.of(
          Fault.UNSUPPORTED,
          "model '%s': inference %s '%s' is no tensor of a type of the v2 protocol (sequences and"
                  .formatted(config.getName(), kind, name)
              + " maps are not served)");
    }
    if (declared != DataType.valueOf(actual.configName())) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "model '%s': unexpected datatype %s for inference %s '%s', expecting %s"
              .formatted(config.getName(), actual.configName(), kind, name, declared));
    }
  }

  /** A graph that does not know the rank of a value says rank 0, so that is not held against it. */
  private void shape(String name, Shape declared, Value value) {
    Shape actual = value.shape();
    if (actual == null || actual.rank() == 0) {
      return;
    }
    if (batching && !value.hasFreeOuterDimension()) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          ("model '%s', tensor '%s': for the model to support batching the first dimension must be"
                  + " free; but the model expects shape %s (expected: max_batch_size: 0 and dims:"
                  + " %s, or an export with a dynamic batch dimension)")
              .formatted(config.getName(), name, actual, actual));
    }
    if (actual.rank() != declared.rank()) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "model '%s', tensor '%s': the model expects %d dimensions (shape %s) but the model"
                  .formatted(config.getName(), name, actual.rank(), actual)
              + " configuration specifies %d dimensions (%sshape %s); write dims: %s"
                  .formatted(
                      declared.rank(),
                      batching ? "with the batch dimension of max_batch_size > 0, " : "",
                      declared,
                      batching ? actual.inner() : actual));
    }
    if (!actual.admits(declared)) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "model '%s', tensor '%s': the model expects shape %s but the model configuration"
                  .formatted(config.getName(), name, actual)
              + " specifies shape %s; write dims: %s"
                  .formatted(declared, batching ? actual.inner() : actual));
    }
  }

  private void everyInputIsFed(List<Value> inputs) {
    Set<String> fed = new HashSet<>();
    config.getInputList().forEach(input -> fed.add(input.getName()));
    config.getBatchInputList().forEach(input -> fed.addAll(input.getTargetNameList()));
    config
        .getSequenceBatching()
        .getControlInputList()
        .forEach(control -> fed.add(control.getName()));
    config.getSequenceBatching().getStateList().forEach(state -> fed.add(state.getInputName()));
    for (Value value : inputs) {
      if (!fed.contains(value.name())) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "unable to load model '%s', configuration expects %d inputs, model provides %d: nothing"
                    .formatted(config.getName(), config.getInputCount(), inputs.size())
                + " feeds %s (expected: an input of that name)".formatted(value));
      }
    }
  }
}
