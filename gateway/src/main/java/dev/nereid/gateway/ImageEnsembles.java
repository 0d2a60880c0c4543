package dev.nereid.gateway;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelEnsembling;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Ticker;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Ensembles that run in the gateway where remote servers have their networks only: image steps are
 * the engine's, the others the servers'. Immutable.
 */
public final class ImageEnsembles {
  /** There are none. */
  public static final ImageEnsembles NONE = new ImageEnsembles(List.of());

  private final Map<String, ModelConfig> byName = new HashMap<>();

  /** The ensembles with these configurations. */
  public ImageEnsembles(List<ModelConfig> configs) {
    configs.forEach(config -> byName.put(config.getName(), config));
  }

  /** The configuration of an ensemble; null when there is none of that name. */
  @Nullable ModelConfig find(String name) {
    return byName.get(name);
  }

  /** Every ensemble. */
  Map<String, ModelConfig> all() {
    return byName;
  }

  /** Leads a request through an ensemble that there is. */
  void infer(InferRequest request, StepTargets targets, Ticker ticker) {
    ModelConfig config = byName.get(request.call().model());
    if (config == null) {
      throw new IllegalArgumentException(
          "ensemble: '" + request.call().model() + "' (expected: one of " + byName.keySet() + ")");
    }
    new ImageEnsembleRun(config, request, targets, ticker).start();
  }

  /** Where the steps run. */
  @FunctionalInterface
  interface StepTargets {
    /** Takes a request over; its outcome, a refusal too, goes to its reply. */
    void infer(InferRequest request);
  }

  /** The step and its output that make a tensor of an ensemble; null when none does. */
  static @Nullable Made maker(ModelConfig ensemble, String tensor) {
    for (ModelEnsembling.Step step : ensemble.getEnsembleScheduling().getStepList()) {
      for (Map.Entry<String, String> edge : step.getOutputMapMap().entrySet()) {
        if (edge.getValue().equals(tensor)) {
          return new Made(step.getModelName(), edge.getKey());
        }
      }
    }
    return null;
  }

  /** An output of a step's model. */
  record Made(String model, String output) {}
}
