package dev.nereid.scheduler;

import dev.nereid.config.ModelSpec;
import dev.nereid.config.TensorSpec;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Whether an answer has the types and shapes that the configuration declares. One that has not must
 * not go on: as the input of an ensemble's next step it would spoil the batch of others. Immutable.
 */
final class DeclaredOutputs {
  private final List<TensorSpec> specs;

  DeclaredOutputs(ModelConfig config) {
    specs = ModelSpec.of(config).outputs();
  }

  /** What is wrong with the outputs of a request; null when nothing is. */
  @Nullable Failure misfit(List<Tensor> outputs) {
    for (int i = 0; i < outputs.size(); i++) {
      Tensor output = outputs.get(i);
      TensorSpec spec = find(output.name());
      if (spec != null && !spec.isShapeTensor() && !fits(output, spec)) {
        return Fault.BACKEND_FAILED.with(
            "output '%s': the model answered with %s %s (expected: %s %s, as its configuration says)"
                .formatted(
                    output.name(), output.type(), output.shape(), spec.type(), spec.wireShape()));
      }
    }
    return null;
  }

  private @Nullable TensorSpec find(String name) {
    for (int i = 0; i < specs.size(); i++) {
      if (specs.get(i).name().equals(name)) {
        return specs.get(i);
      }
    }
    return null;
  }

  private static boolean fits(Tensor output, TensorSpec spec) {
    Shape actual = output.shape();
    Shape declared = spec.wireShape();
    if (output.type() != spec.type() || actual.rank() != declared.rank()) {
      return false;
    }
    for (int i = 0; i < actual.rank(); i++) {
      if (declared.dim(i) != -1 && declared.dim(i) != actual.dim(i)) {
        return false;
      }
    }
    return true;
  }
}
