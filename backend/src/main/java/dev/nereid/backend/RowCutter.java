package dev.nereid.backend;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/** Cuts an output of a batch into the rows of one request after another. One thread. */
final class RowCutter {
  private final Tensor output;
  private final int rowBytes;
  private final long rowElements;
  private final @Nullable ByteBuffer elements;
  private Shape shape;
  private int shapedRows = -1;
  private int position;
  private int length;

  /**
   * Cuts that output.
   *
   * @param size the rows of the batch
   */
  RowCutter(Tensor output, int size) {
    this.output = output;
    shape = output.shape();
    boolean fixed = output.type().isFixedSize();
    rowBytes = fixed && size > 0 ? output.length() / size : 0;
    rowElements = fixed || size == 0 ? 0 : shape.elementCount() / size;
    elements = output.type() == DataType.BYTES ? output.bytes() : null;
  }

  /** Goes on to the next piece, of so many rows. */
  void advance(int rows) {
    position += length;
    length = elements == null ? rowBytes * rows : skip(elements, rowElements * rows);
    if (rows != shapedRows) {
      shape = output.shape().withOuter(rows);
      shapedRows = rows;
    }
  }

  /** The piece, in a share of the output's block. */
  Tensor piece(Lease share) {
    return new Tensor(
        output.name(), output.type(), shape, share, output.offset() + position, length);
  }

  private int skip(ByteBuffer bytes, long count) {
    int from = bytes.position();
    for (long n = count; n > 0; n--) {
      int next = bytes.remaining() < Integer.BYTES ? -1 : bytes.getInt();
      if (next < 0 || next > bytes.remaining()) {
        throw FaultException.of(
            Fault.BACKEND_FAILED,
            "output '%s': element cut off at byte %d of %d (expected: %d elements more)"
                .formatted(output.name(), bytes.position(), output.length(), n));
      }
      bytes.position(bytes.position() + next);
    }
    return bytes.position() - from;
  }
}
