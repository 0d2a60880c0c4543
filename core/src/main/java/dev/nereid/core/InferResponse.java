package dev.nereid.core;

import java.util.List;
import java.util.Map;

/**
 * The answer to one request. Owns the leases its outputs lie in; whoever receives it closes it,
 * after the last byte has been written.
 *
 * @param version the version that answered
 * @param parameters String, Long, Boolean or Double values
 * @param leases what the outputs lie in; closed with the response
 */
public record InferResponse(
    String model,
    long version,
    String id,
    Map<String, Object> parameters,
    List<Tensor> outputs,
    List<Lease> leases,
    Timings timings)
    implements AutoCloseable {

  /** The output of that name. */
  public Tensor output(String name) {
    for (Tensor output : outputs) {
      if (output.name().equals(name)) {
        return output;
      }
    }
    throw new IllegalArgumentException("output: '" + name + "' (expected: one of " + names() + ")");
  }

  private List<String> names() {
    return outputs.stream().map(Tensor::name).toList();
  }

  @Override
  public void close() {
    for (int i = 0; i < leases.size(); i++) {
      leases.get(i).close();
    }
  }
}
