package dev.nereid.engine;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * One inference to ask of an {@link EmbeddedEngine}.
 *
 * @param version -1 for the one that the model's policy chooses
 * @param outputs names of those to answer; empty for every output
 * @param parameters free ones, for the back end: String, Long, Boolean or Double values
 * @param timeout until the answer must be there; zero for no limit. What is late is not run
 */
public record Inference(
    String model,
    long version,
    List<TensorData> inputs,
    List<String> outputs,
    Map<String, Object> parameters,
    Duration timeout) {
  public Inference {
    if (timeout.isNegative()) {
      throw new IllegalArgumentException("timeout: " + timeout + " (expected: not negative)");
    }
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    parameters = Map.copyOf(parameters);
  }

  /** One of the model's default version, for every output, without a limit of time. */
  public static Inference of(String model, TensorData... inputs) {
    return new Inference(model, -1, List.of(inputs), List.of(), Map.of(), Duration.ZERO);
  }

  /** The same of another version. */
  public Inference withVersion(long other) {
    return new Inference(model, other, inputs, outputs, parameters, timeout);
  }

  /** The same, answered with these outputs only. */
  public Inference withOutputs(String... names) {
    return new Inference(model, version, inputs, List.of(names), parameters, timeout);
  }

  /** The same with these parameters. */
  public Inference withParameters(Map<String, Object> others) {
    return new Inference(model, version, inputs, outputs, others, timeout);
  }

  /** The same with another limit of time. */
  public Inference withTimeout(Duration other) {
    return new Inference(model, version, inputs, outputs, parameters, other);
  }

  /**
   * What was answered.
   *
   * @param version the one that answered
   */
  public record Result(String model, long version, List<TensorData> outputs) {
    public Result {
      outputs = List.copyOf(outputs);
    }

    /**
     * The output of that name.
     *
     * @throws IllegalArgumentException when there is none
     */
    public TensorData output(String name) {
      for (TensorData output : outputs) {
        if (output.name().equals(name)) {
          return output;
        }
      }
      throw new IllegalArgumentException(
          "output: '%s' (expected: one of %s)"
              .formatted(name, outputs.stream().map(TensorData::name).toList()));
    }
  }
}
