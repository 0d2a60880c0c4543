package dev.nereid.gateway;

import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.RequestedOutput;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A model that takes encoded pictures, seen from its configuration.
 *
 * @param version that is asked; -1 for the one that its policy chooses
 * @param batched whether its tensors have a batch dimension
 * @param labels by class; may be empty
 * @param size of the answer: classes, boxes at most, or the embedding's length
 */
record ImageModel(
    String name,
    long version,
    Task task,
    String input,
    boolean batched,
    List<String> labels,
    long size) {

  /** What a model does, told by the names of its outputs. */
  enum Task {
    DETECT(
        "det_boxes", "det_classes", Set.of("num_dets", "det_boxes", "det_scores", "det_classes")),
    CLASSIFY("top_scores", "classes", Set.of("top_scores", "classes")),
    EMBED("embedding", "", Set.of("embedding"));

    private final String main;
    private final String labelled;

    @SuppressWarnings("ImmutableEnumChecker") // made by Set.of
    private final Set<String> outputs;

    Task(String main, String labelled, Set<String> outputs) {
      this.main = main;
      this.labelled = labelled;
      this.outputs = outputs;
    }

    /** The name that clients see. */
    String wireName() {
      return name().toLowerCase(Locale.ROOT);
    }

    Set<String> outputs() {
      return outputs;
    }

    List<RequestedOutput> requested() {
      return outputs.stream().map(name -> new RequestedOutput(name, 0)).toList();
    }
  }

  /**
   * That version of the model of that name.
   *
   * @throws FaultException when there is none, or it does something else
   */
  static ImageModel of(Serving serving, String name, long version) {
    ModelConfig config = serving.config(name, version);
    Task task = taskOf(config);
    if (task == null) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "model '"
              + name
              + "' (expected: one that takes an encoded image and answers boxes, classes or an"
              + " embedding)");
    }
    List<String> labels =
        task.labelled.isEmpty() ? List.of() : serving.labels(name, version, task.labelled);
    long size =
        config.getOutputList().stream()
            .filter(output -> output.getName().equals(task.main))
            .mapToLong(output -> output.getDims(0))
            .findFirst()
            .orElse(0);
    boolean batched = config.getMaxBatchSize() > 0;
    return new ImageModel(name, version, task, config.getInput(0).getName(), batched, labels, size);
  }

  /** What a model does with pictures; null when it takes none. */
  static @Nullable Task taskOf(ModelConfig config) {
    if (config.getInputCount() != 1 || config.getInput(0).getDataType() != DataType.TYPE_STRING) {
      return null;
    }
    Set<String> outputs =
        config.getOutputList().stream().map(ModelOutput::getName).collect(Collectors.toSet());
    for (Task task : Task.values()) {
      if (outputs.containsAll(task.outputs)) {
        return task;
      }
    }
    return null;
  }

  /** The label of a class; its number when it has none. */
  String label(int index) {
    return index >= 0 && index < labels.size() ? labels.get(index) : Integer.toString(index);
  }
}
