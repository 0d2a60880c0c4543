package dev.nereid.backend;

import dev.nereid.core.Failure;
import dev.nereid.core.Lease;
import dev.nereid.core.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What became of one request of a batch. One thread at a time. */
final class Outcome {
  final List<Tensor> outputs = new ArrayList<>(2);
  final List<Lease> leases = new ArrayList<>(2);
  @Nullable Failure failure;

  /** How much of the execution went into decoding the request's pictures. */
  long decodeNanos;

  /** Whether the back end gave any output, or offered one that the request did not ask for. */
  boolean answered;

  /** Whether nothing can change any more. */
  boolean settled;

  void keep(Tensor output, Lease lease) {
    answered = true;
    leases.add(lease);
    outputs.add(output);
  }

  void failWith(Failure reason) {
    settled = true;
    failure = reason;
    outputs.clear();
    leases.forEach(Lease::close);
    leases.clear();
  }
}
