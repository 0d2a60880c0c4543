package dev.nereid.engine;

import dev.nereid.config.ModelSpec;
import dev.nereid.config.TensorSpec;
import dev.nereid.config.proto.ModelEnsembling;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Shape;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Holds an ensemble against the models of its steps: every name is known, every required input is
 * mapped, and what one step gives is of the type and shape that the next one takes.
 */
final class EnsembleCheck {
  private final ModelSpec ensemble;
  private final Map<String, Origin> tensors = new HashMap<>();

  /** Where a tensor of the ensemble comes from, and what is known of it. */
  private record Origin(String maker, DataType type, Shape shape) {}

  private EnsembleCheck(ModelSpec ensemble) {
    this.ensemble = ensemble;
  }

  /**
   * Throws a {@link FaultException} that names step, tensor and expectation when it does not fit.
   */
  static void check(ModelSpec ensemble, Function<ModelEnsembling.Step, @Nullable ModelSpec> steps) {
    EnsembleCheck check = new EnsembleCheck(ensemble);
    for (TensorSpec input : ensemble.inputs()) {
      check.tensors.put(
          input.name(), new Origin("the ensemble's input", input.type(), input.wireShape()));
    }
    var list = ensemble.config().getEnsembleScheduling().getStepList();
    list.forEach(step -> check.outputsOf(step, check.specOf(step, steps)));
    list.forEach(step -> check.inputsOf(step, check.specOf(step, steps)));
    check.ensembleOutputs();
  }

  private ModelSpec specOf(
      ModelEnsembling.Step step, Function<ModelEnsembling.Step, @Nullable ModelSpec> steps) {
    ModelSpec spec = steps.apply(step);
    if (spec == null) {
      throw refuse("contains model '%s' which is not available".formatted(step.getModelName()));
    }
    if (ensemble.maxBatchSize() > 0
        && spec.maxBatchSize() > 0
        && spec.maxBatchSize() < ensemble.maxBatchSize()) {
      throw refuse(
          "allows maximum batch size %d, but it contains model '%s' which only allows %d"
              .formatted(ensemble.maxBatchSize(), spec.name(), spec.maxBatchSize()));
    }
    return spec;
  }

  private void outputsOf(ModelEnsembling.Step step, ModelSpec spec) {
    step.getOutputMapMap()
        .forEach(
            (output, tensor) -> {
              TensorSpec made = spec.output(output);
              if (made == null) {
                throw refuse(
                    "maps output '%s' of model '%s' (expected: one of %s)"
                        .formatted(
                            output,
                            spec.name(),
                            spec.outputs().stream().map(TensorSpec::name).toList()));
              }
              tensors.put(
                  tensor, new Origin("model '" + spec.name() + "'", made.type(), made.wireShape()));
            });
  }

  private void inputsOf(ModelEnsembling.Step step, ModelSpec spec) {
    for (TensorSpec input : spec.inputs()) {
      if (!input.optional() && !step.getInputMapMap().containsKey(input.name())) {
        throw refuse(
            "does not map the required input '%s' of model '%s'"
                .formatted(input.name(), spec.name()));
      }
    }
    step.getInputMapMap()
        .forEach(
            (name, tensor) -> {
              TensorSpec input = spec.input(name);
              if (input == null) {
                throw refuse(
                    "maps input '%s' of model '%s' (expected: one of %s)"
                        .formatted(
                            name,
                            spec.name(),
                            spec.inputs().stream().map(TensorSpec::name).toList()));
              }
              fits(tensor, input, "model '" + spec.name() + "'");
            });
  }

  private void ensembleOutputs() {
    for (TensorSpec output : ensemble.outputs()) {
      fits(output.name(), output, "the ensemble's output");
    }
  }

  private void fits(String tensor, TensorSpec taken, String taker) {
    Origin origin = tensors.get(tensor);
    if (origin == null) {
      throw refuse("needs tensor '%s' for %s, which no step makes".formatted(tensor, taker));
    }
    if (origin.type != taken.type()) {
      throw refuse(
          "tensor '%s': data type %s from %s (expected: %s, as %s takes it)"
              .formatted(
                  tensor,
                  origin.type.configName(),
                  origin.maker,
                  taken.type().configName(),
                  taker));
    }
    if (!compatible(origin.shape, taken.wireShape())) {
      throw refuse(
          "tensor '%s': shape %s from %s (expected: %s, as %s takes it)"
              .formatted(tensor, origin.shape, origin.maker, taken.wireShape(), taker));
    }
  }

  private static boolean compatible(@Nullable Shape made, @Nullable Shape taken) {
    if (made == null || taken == null || made.rank() != taken.rank()) {
      return false;
    }
    for (int i = 0; i < made.rank(); i++) {
      if (made.dim(i) != taken.dim(i) && made.dim(i) != -1 && taken.dim(i) != -1) {
        return false;
      }
    }
    return true;
  }

  private FaultException refuse(String what) {
    return FaultException.of(Fault.INVALID_ARGUMENT, "ensemble '" + ensemble.name() + "' " + what);
  }
}
