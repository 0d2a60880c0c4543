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

/**
 * Turns an answer into classes by the labels of the load that gave it, which may have been replaced
 * since. {@link #takenBy} comes before {@link #of}, perhaps from another thread.
 */
final class ClassAnswer {
  private volatile @Nullable Labelling load;

  void takenBy(Labelling now) {
    load = now;
  }

  /** The classes, in a response of its own; the one given stays the caller's. */
  InferResponse of(InferResponse response, List<RequestedOutput> requested, MemoryPool memory) {
    Labelling by = load;
    if (by == null) {
      throw FaultException.of(
          Fault.INTERNAL, "classes: the engine did not tell which load answered");
    }
    return new Classification(by.batching(), by::labels, memory).applyTo(response, requested);
  }
}
