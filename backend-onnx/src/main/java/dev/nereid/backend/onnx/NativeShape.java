package dev.nereid.backend.onnx;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** A shape where C can read it. Reused; confined to one thread. */
final class NativeShape {
  /** More dimensions than any operator of ONNX works with. */
  static final int MAX_RANK = 64;

  private final MemorySegment dims;
  private long rank;

  NativeShape(Arena arena) {
    dims = arena.allocate(JAVA_LONG, MAX_RANK);
  }

  NativeShape set(Shape shape) {
    requireRank(shape.rank());
    rank = shape.rank();
    for (int i = 0; i < rank; i++) {
      dims.setAtIndex(JAVA_LONG, i, shape.dim(i));
    }
    return this;
  }

  static void requireRank(long rank) {
    if (rank > MAX_RANK) {
      throw FaultException.of(
          Fault.UNSUPPORTED,
          "tensor: " + rank + " dimensions (expected: at most " + MAX_RANK + ")");
    }
  }

  /** What C has written here. */
  Shape read(long count) {
    long[] copy = new long[Math.toIntExact(count)];
    for (int i = 0; i < copy.length; i++) {
      copy[i] = dims.getAtIndex(JAVA_LONG, i);
    }
    return Shape.of(copy);
  }

  long address() {
    return dims.address();
  }

  long rank() {
    return rank;
  }
}
