package dev.nereid.protocol;

import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.Reply;
import dev.nereid.core.Tensor;
import java.util.List;

/**
 * One inference as it came over the wire, not yet checked against its model. Owns the leases its
 * inputs lie in: either {@link #request} hands them on, or {@link #close} gives them back.
 *
 * @param form how the caller wants outputs written
 */
public record InferMessage(
    InferRequest.Call call, List<Tensor> inputs, List<Lease> leases, ResponseForm form)
    implements AutoCloseable {

  /** The request to submit, which owns the leases from now on. */
  public InferRequest request(Reply reply) {
    return new InferRequest(call, inputs, leases, reply);
  }

  @Override
  public void close() {
    leases.forEach(Lease::close);
  }
}
