package dev.nereid.backend;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;

/** Joins tensors of one type into one, which has the bytes of each in order. One thread. */
final class RowJoiner {
  private final String name;
  private final Shape shape;
  private final Tensor[] parts;
  private final long bytes;
  private final boolean adjacent;

  /**
   * Joins these, of which there is one at least.
   *
   * @param shape of the whole
   */
  RowJoiner(String name, Shape shape, Tensor[] parts) {
    this.name = name;
    this.shape = shape;
    this.parts = parts;
    long sum = parts[0].length();
    boolean follows = true;
    for (int i = 1; i < parts.length; i++) {
      follows &= parts[i - 1].isFollowedBy(parts[i]);
      sum += parts[i].length();
    }
    bytes = sum;
    adjacent = follows;
  }

  /** Whether they lie side by side in one block. */
  boolean isAdjacent() {
    return adjacent;
  }

  /** The whole where its parts lie; only if they are adjacent. */
  Tensor inPlace() {
    Tensor first = parts[0];
    return new Tensor(name, first.type(), shape, first.lease(), first.offset(), (int) bytes);
  }

  /** The whole as a copy, in a lease of its own. */
  Tensor copied(MemoryPool memory) {
    if (bytes > Integer.MAX_VALUE) {
      throw FaultException.of(
          Fault.TOO_LARGE,
          "input '%s': %d bytes in a batch of shape %s (expected: at most %d)"
              .formatted(name, bytes, shape, Integer.MAX_VALUE));
    }
    Lease lease = memory.take((int) bytes);
    ByteBuffer target = lease.bytes();
    for (Tensor part : parts) {
      target.put(part.bytes());
    }
    return new Tensor(name, parts[0].type(), shape, lease, 0, (int) bytes);
  }

  /** Says that a tensor of that many rows cannot stand behind the first of its batch. */
  static FaultException misfit(Tensor tensor, int rows, Tensor first) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT,
        "input '%s': %s %s with batch size %d (expected: to fit %s %s, the first of its batch)"
            .formatted(
                first.name(), tensor.type(), tensor.shape(), rows, first.type(), first.shape()));
  }
}
