package dev.nereid.backend.onnx;

import dev.nereid.backend.onnx.OnnxFile.Value;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.config.proto.ModelTensorReshape;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Shape;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * Fills in what a configuration leaves out, from the graph. What the user wrote stays, even where
 * it contradicts the graph: that is told when the model is opened.
 */
final class GraphCompletion {
  private static final String DEFAULT_MAX_BATCH_SIZE = "default-max-batch-size";

  private final OnnxFile graph;
  private final Map<String, String> options;

  GraphCompletion(OnnxFile graph, Map<String, String> options) {
    this.graph = graph;
    this.options = options;
  }

  /** Whether anything is left out. */
  static boolean needed(ModelConfig declared) {
    return declared.getInputCount() == 0
        || declared.getOutputCount() == 0
        || declared.getInputList().stream().anyMatch(GraphCompletion::isPartial)
        || declared.getOutputList().stream().anyMatch(GraphCompletion::isPartial);
  }

  private static boolean isPartial(ModelInput input) {
    return input.getDataType() == DataType.TYPE_INVALID
        || (input.getDimsCount() == 0 && !input.hasReshape());
  }

  private static boolean isPartial(ModelOutput output) {
    return output.getDataType() == DataType.TYPE_INVALID
        || (output.getDimsCount() == 0 && !output.hasReshape());
  }

  ModelConfig complete(ModelConfig declared) {
    ModelConfig.Builder config = declared.toBuilder();
    completeBatching(declared, config);
    boolean batching = config.getMaxBatchSize() > 0;
    if (config.getInputCount() == 0) {
      graph
          .inputs()
          .forEach(value -> config.addInput(ModelInput.newBuilder().setName(value.name())));
    }
    if (config.getOutputCount() == 0) {
      graph
          .outputs()
          .forEach(value -> config.addOutput(ModelOutput.newBuilder().setName(value.name())));
    }
    for (ModelInput.Builder input : config.getInputBuilderList()) {
      if (isPartial(input.build())) {
        complete(input, find(graph.inputs(), input.getName(), "input"), batching);
      }
    }
    for (ModelOutput.Builder output : config.getOutputBuilderList()) {
      if (isPartial(output.build())) {
        complete(output, find(graph.outputs(), output.getName(), "output"), batching);
      }
    }
    return config.build();
  }

  private void completeBatching(ModelConfig declared, ModelConfig.Builder config) {
    if (!graph.isBatchable()) {
      if (declared.getMaxBatchSize() > 0) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            ("autofill failed for model '%s': model does not support batching while non-zero"
                    + " max_batch_size is specified (%s; expected: a free first dimension of every"
                    + " input and output, or max_batch_size: 0)")
                .formatted(declared.getName(), culprit()));
      }
      return;
    }
    if (declared.getMaxBatchSize() == 0) {
      if (declaresWholeShapes(declared)) {
        return;
      }
      config.setMaxBatchSize(defaultMaxBatchSize());
    }
    if (config.getMaxBatchSize() > 1
        && declared.getSchedulingChoiceCase()
            == ModelConfig.SchedulingChoiceCase.SCHEDULINGCHOICE_NOT_SET) {
      config.setDynamicBatching(ModelDynamicBatching.getDefaultInstance());
    }
  }

  /** Whether the user wrote dims with the batch dimension in them, and so wants no batching. */
  private boolean declaresWholeShapes(ModelConfig declared) {
    for (ModelInput input : declared.getInputList()) {
      for (Value value : graph.inputs()) {
        Shape shape = value.shape();
        if (value.name().equals(input.getName())
            && shape != null
            && input.getDimsCount() == shape.rank()
            && !input.hasReshape()) {
          return true;
        }
      }
    }
    return false;
  }

  private String culprit() {
    for (Value value : graph.inputs()) {
      if (!value.hasFreeOuterDimension()) {
        return "input " + value;
      }
    }
    for (Value value : graph.outputs()) {
      if (!value.hasFreeOuterDimension()) {
        return "output " + value;
      }
    }
    return "no inputs";
  }

  private int defaultMaxBatchSize() {
    String text = options.getOrDefault(DEFAULT_MAX_BATCH_SIZE, "4");
    try {
      return Math.max(0, Integer.parseInt(text));
    } catch (NumberFormatException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with(
              "--backend-config=onnxruntime,"
                  + DEFAULT_MAX_BATCH_SIZE
                  + "="
                  + text
                  + " (expected: a whole number)"),
          e);
    }
  }

  private Value find(List<Value> values, String name, String kind) {
    return values.stream()
        .filter(value -> value.name().equals(name))
        .findFirst()
        .orElseThrow(() -> GraphCheck.unknown(kind, name, values));
  }

  private static void complete(ModelInput.Builder input, Value value, boolean batching) {
    if (input.getDataType() == DataType.TYPE_INVALID) {
      input.setDataType(typeOf(value));
    }
    if (input.getDimsCount() == 0 && !input.hasReshape()) {
      Shape dims = dimsOf(value, batching);
      addDims(dims, input::addDims);
      if (dims.rank() == 0) {
        input.addDims(1).setReshape(ModelTensorReshape.getDefaultInstance());
      }
    }
  }

  private static void complete(ModelOutput.Builder output, Value value, boolean batching) {
    if (output.getDataType() == DataType.TYPE_INVALID) {
      output.setDataType(typeOf(value));
    }
    if (output.getDimsCount() == 0 && !output.hasReshape()) {
      Shape dims = dimsOf(value, batching);
      addDims(dims, output::addDims);
      if (dims.rank() == 0) {
        output.addDims(1).setReshape(ModelTensorReshape.getDefaultInstance());
      }
    }
  }

  private static void addDims(Shape dims, LongConsumer sink) {
    for (int i = 0; i < dims.rank(); i++) {
      sink.accept(dims.dim(i));
    }
  }

  private static DataType typeOf(Value value) {
    dev.nereid.core.DataType type = value.type();
    if (type == null) {
      throw FaultException.of(
          Fault.UNSUPPORTED,
          "tensor '" + value.name() + "': a type that is no tensor of the v2 protocol");
    }
    return DataType.valueOf(type.configName());
  }

  private static Shape dimsOf(Value value, boolean batching) {
    Shape shape = value.shape();
    if (shape == null) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "tensor '"
              + value.name()
              + "': the graph has no shape for it (expected: dims in the"
              + " configuration)");
    }
    return batching ? shape.inner() : shape;
  }
}
