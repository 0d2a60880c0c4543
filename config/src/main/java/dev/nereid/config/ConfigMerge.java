package dev.nereid.config;

import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelConfig.SchedulingChoiceCase;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * Completes what the user declared by what the model's own files say. What the user wrote wins;
 * where it contradicts the model, the model could not run, and that is an error.
 */
public final class ConfigMerge {
  private final ModelConfig declared;
  private final ModelConfig described;

  private ConfigMerge(ModelConfig declared, ModelConfig described) {
    this.declared = declared;
    this.described = described;
  }

  /**
   * The complete configuration.
   *
   * @param declared what the user wrote, with name and back end filled in
   * @param described what a back end found in the model's files; without inputs and outputs when
   *     they say nothing
   * @throws FaultException with {@link Fault#INVALID_ARGUMENT} where the two contradict each other
   */
  public static ModelConfig merge(ModelConfig declared, ModelConfig described) {
    return described.equals(declared) ? declared : new ConfigMerge(declared, described).merge();
  }

  private ModelConfig merge() {
    boolean complete = declared.getInputCount() > 0 && declared.getOutputCount() > 0;
    int maxBatchSize = maxBatchSize(complete);
    ModelConfig.Builder result = declared.toBuilder().setMaxBatchSize(maxBatchSize);
    if (declared.getPlatform().isEmpty()) {
      result.setPlatform(described.getPlatform());
    }
    if (declared.getBackend().isEmpty()) {
      result.setBackend(described.getBackend());
    }
    if (declared.getDefaultModelFilename().isEmpty()) {
      result.setDefaultModelFilename(described.getDefaultModelFilename());
    }
    boolean unscheduled =
        declared.getSchedulingChoiceCase() == SchedulingChoiceCase.SCHEDULINGCHOICE_NOT_SET;
    if (!complete && unscheduled && maxBatchSize > 1 && described.hasDynamicBatching()) {
      result.setDynamicBatching(described.getDynamicBatching());
    }
    described
        .getParametersMap()
        .forEach(
            (key, value) -> {
              if (!declared.containsParameters(key)) {
                result.putParameters(key, value);
              }
            });
    inputs(result, maxBatchSize);
    outputs(result, maxBatchSize);
    return result.build();
  }

  /** Says how the tensors of the model are to be read: with a batch dimension or without. */
  private int maxBatchSize(boolean complete) {
    if (described.getInputCount() + described.getOutputCount() == 0) {
      return declared.getMaxBatchSize() > 0
          ? declared.getMaxBatchSize()
          : described.getMaxBatchSize();
    }
    if (declared.getMaxBatchSize() != 0) {
      if (declared.getMaxBatchSize() > 0 && !isBatchable()) {
        throw refused(
            ("autofill failed for model '%s': model does not support batching while non-zero"
                    + " max_batch_size is specified (max_batch_size is %d, but the first dimension of"
                    + " a tensor of the model is fixed)")
                .formatted(declared.getName(), declared.getMaxBatchSize()));
      }
      return declared.getMaxBatchSize();
    }
    return complete || declaresWholeShapes() ? 0 : described.getMaxBatchSize();
  }

  private boolean isBatchable() {
    return described.getMaxBatchSize() > 0
        || (described.getInputList().stream().allMatch(i -> isFreeOuter(i.getDimsList()))
            && described.getOutputList().stream().allMatch(o -> isFreeOuter(o.getDimsList())));
  }

  private static boolean isFreeOuter(List<Long> dims) {
    return !dims.isEmpty() && dims.getFirst() == -1;
  }

  /** Whether the user wrote a tensor with all the dimensions the model has, the outermost too. */
  private boolean declaresWholeShapes() {
    if (described.getMaxBatchSize() == 0) {
      return true;
    }
    Map<String, Integer> ranks = new HashMap<>();
    described
        .getInputList()
        .forEach(i -> ranks.put("<" + i.getName(), TensorForm.of(i).whole(described).size()));
    described
        .getOutputList()
        .forEach(o -> ranks.put(">" + o.getName(), TensorForm.of(o).whole(described).size()));
    return declared.getInputList().stream()
            .anyMatch(i -> Objects.equals(ranks.get("<" + i.getName()), TensorForm.of(i).rank()))
        || declared.getOutputList().stream()
            .anyMatch(o -> Objects.equals(ranks.get(">" + o.getName()), TensorForm.of(o).rank()));
  }

  private void inputs(ModelConfig.Builder result, int maxBatchSize) {
    Set<String> byServer = tensorsOfTheServer();
    List<ModelInput> theirs =
        described.getInputList().stream().filter(i -> !byServer.contains(i.getName())).toList();
    if (theirs.isEmpty()) {
      return;
    }
    result.clearInput();
    if (declared.getInputCount() == 0) {
      theirs.forEach(i -> result.addInput(TensorForm.of(i).under(described, maxBatchSize).put(i)));
      return;
    }
    List<String> known = described.getInputList().stream().map(ModelInput::getName).toList();
    for (ModelInput mine : declared.getInputList()) {
      int at = known.indexOf(mine.getName());
      if (at < 0) {
        throw unknown("input", mine.getName(), known);
      }
      ModelInput its = described.getInput(at);
      TensorForm form = TensorForm.of(its).under(described, maxBatchSize);
      ModelInput.Builder filled = mine.toBuilder();
      if (mine.getDataType() == DataType.TYPE_INVALID) {
        filled.setDataType(its.getDataType());
      }
      if (mine.getDimsCount() == 0 && !mine.hasReshape()) {
        form.fill(filled);
      }
      filled.setOptional(mine.getOptional() || its.getOptional());
      filled.setIsShapeTensor(mine.getIsShapeTensor() || its.getIsShapeTensor());
      agree("input", mine.getName(), filled.getDataType(), its.getDataType());
      agree(mine.getName(), TensorForm.of(filled.build()), form, maxBatchSize);
      result.addInput(filled);
    }
    complete(theirs, known);
  }

  private void complete(List<ModelInput> theirs, List<String> known) {
    Set<String> given = new HashSet<>();
    declared.getInputList().forEach(input -> given.add(input.getName()));
    List<String> missing =
        theirs.stream()
            .filter(input -> !input.getOptional())
            .map(ModelInput::getName)
            .filter(name -> !given.contains(name))
            .toList();
    if (!missing.isEmpty()) {
      throw refused(
          ("unable to load model '%s', configuration expects %d inputs, model provides %d; not"
                  + " configured: %s")
              .formatted(
                  declared.getName(),
                  declared.getInputCount(),
                  known.size(),
                  String.join(", ", missing)));
    }
  }

  /** Model inputs that no request brings: controls, states, and descriptions of the batch. */
  private Set<String> tensorsOfTheServer() {
    Set<String> names = new HashSet<>();
    declared.getSequenceBatching().getControlInputList().forEach(c -> names.add(c.getName()));
    declared.getSequenceBatching().getStateList().forEach(s -> names.add(s.getInputName()));
    declared.getSequenceBatching().getStateList().forEach(s -> names.add(s.getOutputName()));
    declared.getBatchInputList().forEach(b -> names.addAll(b.getTargetNameList()));
    return names;
  }

  private void outputs(ModelConfig.Builder result, int maxBatchSize) {
    List<String> known = described.getOutputList().stream().map(ModelOutput::getName).toList();
    if (known.isEmpty()) {
      return;
    }
    result.clearOutput();
    if (declared.getOutputCount() == 0) {
      Set<String> byServer = tensorsOfTheServer();
      described.getOutputList().stream()
          .filter(o -> !byServer.contains(o.getName()))
          .forEach(o -> result.addOutput(TensorForm.of(o).under(described, maxBatchSize).put(o)));
      return;
    }
    for (ModelOutput mine : declared.getOutputList()) {
      int at = known.indexOf(mine.getName());
      if (at < 0) {
        throw unknown("output", mine.getName(), known);
      }
      ModelOutput its = described.getOutput(at);
      TensorForm form = TensorForm.of(its).under(described, maxBatchSize);
      ModelOutput.Builder filled = mine.toBuilder();
      if (mine.getDataType() == DataType.TYPE_INVALID) {
        filled.setDataType(its.getDataType());
      }
      if (mine.getDimsCount() == 0 && !mine.hasReshape()) {
        form.fill(filled);
      }
      if (mine.getLabelFilename().isEmpty()) {
        filled.setLabelFilename(its.getLabelFilename());
      }
      agree("output", mine.getName(), filled.getDataType(), its.getDataType());
      agree(mine.getName(), TensorForm.of(filled.build()), form, maxBatchSize);
      result.addOutput(filled);
    }
  }

  private FaultException unknown(String kind, String name, List<String> known) {
    return refused(
        "model '%s': unexpected inference %s '%s', allowed %ss are: %s"
            .formatted(declared.getName(), kind, name, kind, String.join(", ", known)));
  }

  private void agree(String kind, String name, DataType mine, DataType its) {
    if (mine != its) {
      throw refused(
          "model '%s': unexpected datatype %s for inference %s '%s', expecting %s"
              .formatted(declared.getName(), mine, kind, name, its));
    }
  }

  private void agree(String name, TensorForm mine, TensorForm its, int maxBatchSize) {
    if (!its.admits(mine)) {
      List<Long> theirs = its.wire(maxBatchSize);
      List<Long> ours = mine.wire(maxBatchSize);
      throw refused(
          ("model '%s', tensor '%s': the model expects %d dimensions (shape %s) but the model"
                  + " configuration specifies %d dimensions (shape %s%s)")
              .formatted(
                  declared.getName(),
                  name,
                  theirs.size(),
                  TensorForm.text(theirs),
                  ours.size(),
                  TensorForm.text(ours),
                  maxBatchSize > 0
                      ? ", the first for the batch since max_batch_size is above 0"
                      : ""));
    }
  }

  private static FaultException refused(String text) {
    return FaultException.of(Fault.INVALID_ARGUMENT, text);
  }
}
