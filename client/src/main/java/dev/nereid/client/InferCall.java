package dev.nereid.client;

import java.time.Duration;
import java.util.List;
import java.util.Map;

/**
 * One inference to ask for.
 *
 * @param version empty for the one that the server chooses
 * @param id echoed by the server; may be empty
 * @param outputs names to answer; empty for every output
 * @param parameters free ones: String, Long, Boolean or Double values
 * @param timeout until the answer must be there; zero for no limit
 */
public record InferCall(
    String model,
    String version,
    String id,
    List<InferInput> inputs,
    List<String> outputs,
    Map<String, Object> parameters,
    Duration timeout) {
  public InferCall {
    if (model.isBlank()) {
      throw new IllegalArgumentException("model: '" + model + "' (expected: not blank)");
    }
    if (timeout.isNegative()) {
      throw new IllegalArgumentException("timeout: " + timeout + " (expected: not negative)");
    }
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    parameters = Map.copyOf(parameters);
  }

  /** A call with nothing but inputs. */
  public static InferCall of(String model, InferInput... inputs) {
    return new InferCall(model, "", "", List.of(inputs), List.of(), Map.of(), Duration.ZERO);
  }

  /** The same call of another model. */
  public InferCall withModel(String other) {
    return new InferCall(other, version, id, inputs, outputs, parameters, timeout);
  }

  /** The same call for another version. */
  public InferCall withVersion(String other) {
    return new InferCall(model, other, id, inputs, outputs, parameters, timeout);
  }

  /** The same call under another id. */
  public InferCall withId(String other) {
    return new InferCall(model, version, other, inputs, outputs, parameters, timeout);
  }

  /** The same call, answered with these outputs only. */
  public InferCall withOutputs(String... names) {
    return new InferCall(model, version, id, inputs, List.of(names), parameters, timeout);
  }

  /** The same call with these parameters. */
  public InferCall withParameters(Map<String, Object> others) {
    return new InferCall(model, version, id, inputs, outputs, others, timeout);
  }

  /** The same call with another limit of time. */
  public InferCall withTimeout(Duration other) {
    return new InferCall(model, version, id, inputs, outputs, parameters, other);
  }
}
