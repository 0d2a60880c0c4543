package dev.nereid.backend;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.Tensor;

/**
 * The back end {@code addsub}: the first output is the sum of the two inputs, the second one, if
 * there is one, their difference. Every numeric type; integers wrap around.
 */
public final class AddSubProvider implements BackendProvider {
  @Override
  public String name() {
    return "addsub";
  }

  @Override
  public Model open(ModelContext context) {
    ModelConfig config = context.config();
    if (config.getInputCount() != 2 || config.getOutputCount() < 1 || config.getOutputCount() > 2) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "model '%s': %d inputs and %d outputs (expected: 2 inputs, and 1 or 2 outputs)"
              .formatted(config.getName(), config.getInputCount(), config.getOutputCount()));
    }
    return new Model() {
      @Override
      public Instance newInstance(Placement placement) {
        return batch -> execute(batch, config);
      }

      @Override
      public void close() {}
    };
  }

  private static void execute(Batch batch, ModelConfig config) {
    Tensor left = batch.gather(config.getInput(0).getName());
    Tensor right = batch.gather(config.getInput(1).getName());
    if (left.type() != right.type() || !left.shape().equals(right.shape())) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "input '%s': %s %s (expected: %s %s, like input '%s')"
              .formatted(
                  right.name(),
                  right.type(),
                  right.shape(),
                  left.type(),
                  left.shape(),
                  left.name()));
    }
    batch.computeStarts();
    for (int i = 0; i < config.getOutputCount(); i++) {
      Lease lease = batch.memory().take(left.length());
      try {
        Arithmetic.combine(left.type(), left.bytes(), right.bytes(), lease.bytes(), i == 0);
      } catch (RuntimeException e) {
        lease.close();
        throw e;
      }
      String name = config.getOutput(i).getName();
      batch.scatter(new Tensor(name, left.type(), left.shape(), lease, 0, left.length()), lease);
    }
    batch.computeEnds();
  }
}
