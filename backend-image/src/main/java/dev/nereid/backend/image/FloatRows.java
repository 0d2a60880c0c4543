package dev.nereid.backend.image;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;

/**
 * An FP32 input of one request, row by row of its batch.
 *
 * @param rows how many
 * @param floats in each
 */
record FloatRows(Tensor tensor, int rows, int floats) {

  /**
   * Views the tensor as so many rows.
   *
   * @throws FaultException when it is of another type or cannot be divided so
   */
  static FloatRows of(Tensor tensor, int rows) {
    if (tensor.type() != DataType.FP32 || rows < 1 || tensor.length() % (rows * Float.BYTES) != 0) {
      throw wrong(tensor, "FP32, " + rows + " rows");
    }
    return new FloatRows(tensor, rows, tensor.length() / rows / Float.BYTES);
  }

  static FaultException wrong(Tensor tensor, String expected) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT,
        "input '%s': %s %s (expected: %s)"
            .formatted(tensor.name(), tensor.type(), tensor.shape(), expected));
  }

  /** The bytes of one row. */
  ByteBuffer row(int index) {
    int bytes = floats * Float.BYTES;
    return tensor.lease().bytes(tensor.offset() + index * bytes, bytes);
  }

  /** The last dimension: what makes up one vector. */
  int lastDim() {
    int rank = tensor.shape().rank();
    return rank == 0 ? 1 : (int) tensor.shape().dim(rank - 1);
  }
}
