package dev.nereid.engine;

import dev.nereid.config.ModelSpec;
import dev.nereid.config.proto.ModelEnsembling;
import dev.nereid.scheduler.ExecutionStatistics;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * One version of an ensemble as its configuration has it, not bound to versions of its steps yet.
 * Two loads are two definitions, since each has statistics of its own.
 *
 * @param ownLabels those of its own label files, by output
 * @param statistics counted on when the ensemble is bound to other versions of its steps
 */
record EnsembleDefinition(
    ModelSpec spec,
    long version,
    Map<String, List<String>> ownLabels,
    ExecutionStatistics statistics,
    double loadSeconds) {

  /** A step's model and version; -1 for the one that the model's policy chooses. */
  record StepKey(String model, long version) {
    static StepKey of(ModelEnsembling.Step step) {
      return new StepKey(
          step.getModelName(), step.getModelVersion() <= 0 ? -1 : step.getModelVersion());
    }
  }

  List<ModelEnsembling.Step> steps() {
    return spec.config().getEnsembleScheduling().getStepList();
  }

  /** What it tells of itself over these versions; throws when they do not fit. */
  VersionFacts over(Map<StepKey, ServedVersion> steps) {
    EnsembleCheck.check(
        spec,
        step -> {
          ServedVersion served = steps.get(StepKey.of(step));
          return served == null ? null : served.spec();
        });
    String summary = "ensemble of " + steps().size();
    return new VersionFacts(spec, version, labels(steps), summary, loadSeconds, "");
  }

  /** An output has the labels of the step's output that makes it, unless it has its own. */
  private Map<String, List<String>> labels(Map<StepKey, ServedVersion> steps) {
    Map<String, List<String>> labels = new HashMap<>();
    for (ModelEnsembling.Step step : steps()) {
      ServedVersion served = steps.get(StepKey.of(step));
      step.getOutputMapMap()
          .forEach(
              (output, tensor) -> {
                List<String> known = served == null ? null : served.labels().get(output);
                if (known != null && spec.output(tensor) != null) {
                  labels.put(tensor, known);
                }
              });
    }
    labels.putAll(ownLabels);
    return labels;
  }
}
