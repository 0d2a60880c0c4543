package dev.nereid.backend.image;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Cuts an input into the files it holds, without a copy. */
final class EncodedPictures {
  private EncodedPictures() {}

  /**
   * The files, one for each row.
   *
   * @throws FaultException when the tensor does not hold so many
   */
  static List<ByteBuffer> of(Tensor tensor, DataType declared, int rows) {
    if (tensor.type() != declared) {
      throw wrong(tensor, declared.configName());
    }
    if (declared == DataType.UINT8) {
      if (rows != 1) {
        throw wrong(tensor, "batch size 1, since lengths differ");
      }
      return List.of(tensor.bytes());
    }
    List<ByteBuffer> files = new ArrayList<>(rows);
    ByteBuffer bytes = tensor.bytes();
    while (bytes.remaining() >= Integer.BYTES) {
      int length = bytes.getInt();
      if (length < 0 || length > bytes.remaining()) {
        throw wrong(tensor, "elements that end within it");
      }
      files.add(bytes.slice(bytes.position(), length));
      bytes.position(bytes.position() + length);
    }
    if (files.size() != rows || bytes.hasRemaining()) {
      throw wrong(tensor, rows + " pictures");
    }
    return files;
  }

  private static FaultException wrong(Tensor tensor, String expected) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT,
        "input '%s': %s %s of %d bytes (expected: %s)"
            .formatted(tensor.name(), tensor.type(), tensor.shape(), tensor.length(), expected));
  }
}
