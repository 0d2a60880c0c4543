package dev.nereid.client;

import java.util.List;

/**
 * What a server answered to one {@link InferCall}. Immutable and independent of the connection.
 *
 * @param version the one that ran
 * @param id the caller's, echoed
 */
public record InferResult(String model, String version, String id, List<InferOutput> outputs) {
  public InferResult {
    outputs = List.copyOf(outputs);
  }

  /**
   * The output of that name.
   *
   * @throws IllegalArgumentException when the answer has none
   */
  public InferOutput output(String name) {
    for (InferOutput output : outputs) {
      if (output.name().equals(name)) {
        return output;
      }
    }
    throw new IllegalArgumentException(
        "output: '"
            + name
            + "' (expected: one of "
            + outputs.stream().map(InferOutput::name).toList()
            + ")");
  }
}
