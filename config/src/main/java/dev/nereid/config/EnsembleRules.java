package dev.nereid.config;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelEnsembling.Step;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOptimizationPolicy;
import dev.nereid.config.proto.ModelOutput;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * What must hold for {@code ensemble_scheduling} by itself; whether its steps fit the models they
 * name is seen when those are known.
 */
final class EnsembleRules {
  private static final String AT = "ensemble_scheduling";

  private final ModelConfig config;
  private final List<Step> steps;
  private final Problems problems;

  private EnsembleRules(ModelConfig config, Problems problems) {
    this.config = config;
    steps = config.getEnsembleScheduling().getStepList();
    this.problems = problems;
  }

  static void check(ModelConfig config, Problems problems) {
    if (!ModelSpec.isEnsemble(config)) {
      return;
    }
    EnsembleRules rules = new EnsembleRules(config, problems);
    rules.surroundings();
    rules.steps();
    if (!rules.steps.isEmpty()) {
      rules.tensors();
    }
  }

  private void surroundings() {
    problems.unless(
        config.getPlatform().equals(ModelSpec.ENSEMBLE),
        "platform",
        "'" + config.getPlatform() + "'",
        "'ensemble', since there is an ensemble_scheduling");
    problems.unless(config.hasEnsembleScheduling(), AT, "none", "steps, for platform 'ensemble'");
    problems.unless(
        config.getInstanceGroupCount() == 0,
        "instance_group",
        config.getInstanceGroupCount() + " of them",
        "none in an ensemble; set it on the models of its steps");
    problems.unless(
        config.getOptimization().equals(ModelOptimizationPolicy.getDefaultInstance()),
        "optimization",
        "given",
        "none in an ensemble; set it on the models of its steps");
    problems.unless(
        config.getModelWarmupCount() == 0,
        "model_warmup",
        config.getModelWarmupCount() + " of them",
        "none in an ensemble; set it on the models of its steps");
  }

  private void steps() {
    problems.unless(!steps.isEmpty(), AT + ".step", "[]", "at least one step");
    for (int i = 0; i < steps.size(); i++) {
      Step step = steps.get(i);
      String at = AT + "." + at(i);
      problems.unless(!step.getModelName().isEmpty(), at + ".model_name", "''", "a model");
      problems.unless(
          !step.getModelName().equals(config.getName()) || config.getName().isEmpty(),
          at + ".model_name",
          "'" + step.getModelName() + "'",
          "another model than the ensemble itself");
      problems.unless(
          step.getModelVersion() >= -1,
          at + ".model_version",
          step.getModelVersion(),
          "-1 or 0 for the newest, or a version");
      problems.unless(step.getOutputMapCount() > 0, at + ".output_map", "empty", "an output");
    }
  }

  private String at(int step) {
    return "step[" + step + "]";
  }

  private void tensors() {
    Set<String> known = new HashSet<>();
    config.getInputList().stream().map(ModelInput::getName).forEach(known::add);
    for (int i = 0; i < steps.size(); i++) {
      for (Map.Entry<String, String> output : steps.get(i).getOutputMapMap().entrySet()) {
        problems.unless(
            known.add(output.getValue()),
            "%s.%s.output_map['%s']".formatted(AT, at(i), output.getKey()),
            "'" + output.getValue() + "'",
            "a tensor that is neither an ensemble input nor written by another output");
      }
    }
    Set<String> used = new HashSet<>();
    for (int i = 0; i < steps.size(); i++) {
      for (Map.Entry<String, String> input : steps.get(i).getInputMapMap().entrySet()) {
        used.add(input.getValue());
        problems.unless(
            known.contains(input.getValue()),
            "%s.%s.input_map['%s']".formatted(AT, at(i), input.getKey()),
            "'" + input.getValue() + "'",
            "an ensemble input or another step's output, one of " + new TreeSet<>(known));
      }
    }
    for (ModelInput input : config.getInputList()) {
      problems.unless(
          used.contains(input.getName()),
          "input '" + input.getName() + "'",
          "mapped to no step",
          "in the input_map of a step");
    }
    for (ModelOutput output : config.getOutputList()) {
      problems.unless(
          known.contains(output.getName()),
          "output '" + output.getName() + "'",
          "written by no step",
          "in the output_map of a step");
    }
    cycles(known);
  }

  /** Lets every step run as soon as its inputs are there; what never runs waits for itself. */
  private void cycles(Set<String> known) {
    Set<String> there = new HashSet<>();
    config.getInputList().stream().map(ModelInput::getName).forEach(there::add);
    Set<Integer> waiting = new TreeSet<>();
    for (int i = 0; i < steps.size(); i++) {
      waiting.add(i);
    }
    boolean moved = true;
    while (moved) {
      moved =
          waiting.removeIf(
              i ->
                  steps.get(i).getInputMapMap().values().stream()
                          .allMatch(t -> there.contains(t) || !known.contains(t))
                      && there.addAll(steps.get(i).getOutputMapMap().values()));
    }
    problems.unless(
        waiting.isEmpty(),
        AT,
        "circular dependency between steps " + waiting,
        "every step after the steps it takes tensors from");
  }
}
