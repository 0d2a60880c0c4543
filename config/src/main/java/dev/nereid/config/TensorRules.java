package dev.nereid.config;

import dev.nereid.config.proto.BatchInput;
import dev.nereid.config.proto.BatchOutput;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.config.proto.ModelTensorReshape;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** What must hold for inputs, outputs, and the tensors that the server adds to a batch. */
final class TensorRules {
  private static final int IMAGE_RANK = 3;

  private final ModelConfig config;
  private final Problems problems;

  private TensorRules(ModelConfig config, Problems problems) {
    this.config = config;
    this.problems = problems;
  }

  static void check(ModelConfig config, Problems problems) {
    TensorRules rules = new TensorRules(config, problems);
    rules.inputs();
    rules.outputs();
    rules.batchInputs();
    rules.batchOutputs();
  }

  private void inputs() {
    problems.twice("input", config.getInputList().stream().map(ModelInput::getName).toList());
    boolean padded = config.hasSequenceBatching() && !config.getSequenceBatching().hasOldest();
    for (int i = 0; i < config.getInputCount(); i++) {
      ModelInput input = config.getInput(i);
      String at = Problems.element("input", i, input.getName());
      tensor(at, input.getName(), input.getDataType());
      dims(at + ".dims", input.getDimsList(), input.hasReshape());
      if (input.hasReshape()) {
        reshape(at, input.getDimsList(), input.getReshape());
      }
      problems.unless(
          input.getFormat() == ModelInput.Format.FORMAT_NONE || input.getDimsCount() == IMAGE_RANK,
          at + ".dims",
          input.getDimsList(),
          "three of them, since format is " + input.getFormat());
      problems.unless(
          !(input.getOptional() && padded),
          at + ".optional",
          true,
          "false, since the direct sequence batcher fills rows with every input");
    }
  }

  private void outputs() {
    problems.twice("output", config.getOutputList().stream().map(ModelOutput::getName).toList());
    for (int i = 0; i < config.getOutputCount(); i++) {
      ModelOutput output = config.getOutput(i);
      String at = Problems.element("output", i, output.getName());
      tensor(at, output.getName(), output.getDataType());
      dims(at + ".dims", output.getDimsList(), output.hasReshape());
      if (output.hasReshape()) {
        reshape(at, output.getDimsList(), output.getReshape());
      }
    }
  }

  private void tensor(String at, String name, DataType type) {
    problems.unless(!name.isEmpty(), at + ".name", "''", "a name");
    problems.unless(isKnown(type), at + ".data_type", type, "a type such as TYPE_FP32");
  }

  static boolean isKnown(DataType type) {
    return type != DataType.TYPE_INVALID && type != DataType.UNRECOGNIZED;
  }

  private void dims(String at, List<Long> dims, boolean mayBeEmpty) {
    problems.unless(
        mayBeEmpty || !dims.isEmpty(),
        at,
        "[]",
        "at least one; for one value per item write dims: [ 1 ] with reshape: { shape: [ ] }");
    dims(problems, at, dims);
  }

  static void dims(Problems problems, String at, List<Long> dims) {
    problems.unless(
        dims.stream().allMatch(d -> d > 0 || d == -1), at, dims, "each 1 or more, or -1 for any");
  }

  private void reshape(String at, List<Long> dims, ModelTensorReshape reshape) {
    List<Long> shape = reshape.getShapeList();
    dims(problems, at + ".reshape.shape", shape);
    problems.unless(
        segments(dims).equals(segments(shape)),
        at + ".reshape.shape",
        shape,
        "as many elements as dims " + dims + ", with the -1 in the same order");
  }

  /** The number of elements before, between and after the free dimensions. */
  private static List<Long> segments(List<Long> dims) {
    List<Long> segments = new ArrayList<>();
    long elements = 1;
    for (long dim : dims) {
      if (dim == -1) {
        segments.add(elements);
        elements = 1;
      } else {
        elements *= dim;
      }
    }
    segments.add(elements);
    return segments;
  }

  private void batchInputs() {
    Set<String> inputs = inputNames();
    Set<String> targets = new HashSet<>(inputs);
    for (int i = 0; i < config.getBatchInputCount(); i++) {
      BatchInput input = config.getBatchInput(i);
      String at = "batch_input[" + i + "]";
      problems.unless(input.getTargetNameCount() > 0, at + ".target_name", "[]", "a name");
      for (String target : input.getTargetNameList()) {
        problems.unless(
            targets.add(target),
            at + ".target_name",
            "'" + target + "'",
            "a name that no other input has");
      }
      problems.unless(
          input.getDataType() == DataType.TYPE_INT32 || input.getDataType() == DataType.TYPE_FP32,
          at + ".data_type",
          input.getDataType(),
          "TYPE_INT32 or TYPE_FP32");
      problems.unless(
          input.getSourceInputCount() == 1 && inputs.containsAll(input.getSourceInputList()),
          at + ".source_input",
          input.getSourceInputList(),
          "exactly one, of " + inputs);
    }
  }

  private void batchOutputs() {
    Set<String> inputs = inputNames();
    Set<String> outputs = new HashSet<>();
    config.getOutputList().forEach(output -> outputs.add(output.getName()));
    for (int i = 0; i < config.getBatchOutputCount(); i++) {
      BatchOutput output = config.getBatchOutput(i);
      String at = "batch_output[" + i + "]";
      problems.unless(
          output.getTargetNameCount() > 0 && outputs.containsAll(output.getTargetNameList()),
          at + ".target_name",
          output.getTargetNameList(),
          "one or more of " + outputs);
      problems.unless(
          output.getSourceInputCount() == 1 && inputs.containsAll(output.getSourceInputList()),
          at + ".source_input",
          output.getSourceInputList(),
          "exactly one, of " + inputs);
    }
  }

  private Set<String> inputNames() {
    Set<String> names = new HashSet<>();
    config.getInputList().forEach(input -> names.add(input.getName()));
    return names;
  }
}
