package dev.nereid.backend.image;

import dev.nereid.config.TensorSpec;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The outputs of one request side by side in one lease, each with a row for each row of the request
 * and all of them zero at first.
 */
final class OutputBlock {
  private final List<Tensor> tensors;
  private final Lease lease;
  private final int rows;

  OutputBlock(MemoryPool memory, List<TensorSpec> outputs, int rows, boolean batching) {
    this.rows = rows;
    int bytes = 0;
    for (TensorSpec output : outputs) {
      bytes = Math.addExact(bytes, bytesOf(output, rows));
    }
    lease = memory.take(bytes);
    ByteBuffer all = lease.bytes();
    while (all.hasRemaining()) {
      all.put((byte) 0);
    }
    tensors = new ArrayList<>(outputs.size());
    int offset = 0;
    for (TensorSpec output : outputs) {
      Shape shape = batching ? output.dims().prepend(rows) : output.dims();
      int length = bytesOf(output, rows);
      tensors.add(new Tensor(output.name(), output.type(), shape, lease, offset, length));
      offset += length;
    }
  }

  private static int bytesOf(TensorSpec output, int rows) {
    return Math.toIntExact(output.dims().elementCount() * output.type().byteSize() * rows);
  }

  /** One row of an output, or null when the model has no such output. */
  @Nullable ByteBuffer row(String name, int row) {
    for (int i = 0; i < tensors.size(); i++) {
      Tensor tensor = tensors.get(i);
      if (tensor.name().equals(name)) {
        int bytes = tensor.length() / rows;
        return lease.bytes(tensor.offset() + row * bytes, bytes);
      }
    }
    return null;
  }

  List<Tensor> tensors() {
    return tensors;
  }

  List<Lease> leases() {
    return List.of(lease);
  }

  /** Gives the memory back, in place of answering. */
  void discard() {
    lease.close();
  }
}
