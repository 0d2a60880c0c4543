package com.example.calibrate;

import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import dev.nereid.backend.Placement;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelParameter;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;

/**
 * The back end {@code calibrate}: turns the scores of a classifier into probabilities, {@code 1 /
 * (1 + exp(-(scale * score + offset)))}, element by element. {@code scale} and {@code offset} are
 * parameters of the model's configuration.
 */
public final class CalibrateProvider implements BackendProvider {
  @Override
  public String name() {
    return "calibrate";
  }

  @Override
  public Model open(ModelContext context) {
    ModelConfig config = context.config();
    if (config.getInputCount() != 1 || config.getOutputCount() != 1) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "model '%s': %d inputs and %d outputs (expected: one of each)"
              .formatted(config.getName(), config.getInputCount(), config.getOutputCount()));
    }
    double scale = parameter(config, "scale", 1);
    double offset = parameter(config, "offset", 0);
    String input = config.getInput(0).getName();
    String output = config.getOutput(0).getName();
    return new Model() {
      @Override
      public Instance newInstance(Placement placement) {
        return batch -> calibrate(batch, input, output, scale, offset);
      }

      @Override
      public String summary() {
        return "calibrate, scale " + scale + ", offset " + offset;
      }

      @Override
      public void close() {}
    };
  }

  private static double parameter(ModelConfig config, String key, double otherwise) {
    String text =
        config.getParametersOrDefault(key, ModelParameter.getDefaultInstance()).getStringValue();
    try {
      return text.isEmpty() ? otherwise : Double.parseDouble(text);
    } catch (NumberFormatException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with(
              "parameters." + key + ": '" + text + "' (expected: a number)"),
          e);
    }
  }

  /** All requests of the batch at once: their rows lie one after another in one tensor. */
  private static void calibrate(
      Batch batch, String input, String output, double scale, double offset) {
    Tensor scores = batch.gather(input);
    if (scores.type() != DataType.FP32) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "input '%s': %s (expected: FP32)".formatted(input, scores.type()));
    }
    Lease lease = batch.memory().take(scores.length());
    try {
      batch.computeStarts();
      ByteBuffer from = scores.bytes();
      ByteBuffer to = lease.bytes();
      while (from.hasRemaining()) {
        to.putFloat((float) (1 / (1 + Math.exp(-(scale * from.getFloat() + offset)))));
      }
      batch.computeEnds();
    } catch (RuntimeException e) {
      lease.close();
      throw e;
    }
    batch.scatter(
        new Tensor(output, DataType.FP32, scores.shape(), lease, 0, scores.length()), lease);
  }
}
