package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Labelling;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.protocol.Classification;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Turns answers into classes. Stateless. */
final class ClassAnswer {
  private ClassAnswer() {}

  /**
   * The classes, in a response of its own; the one given stays the caller's.
   *
   * @param by the load that gave the answer, which may have been replaced since; null when the
   *     engine did not tell, which is a defect
   */
  static InferResponse of(
      @Nullable Labelling by,
      InferResponse response,
      List<RequestedOutput> requested,
      MemoryPool memory) {
    if (by == null) {
      throw FaultException.of(
          Fault.INTERNAL, "classes: the engine did not tell which load answered");
    }
    return new Classification(by.batching(), by::labels, memory).applyTo(response, requested);
  }
}
