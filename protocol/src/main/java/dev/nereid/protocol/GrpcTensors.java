package dev.nereid.protocol;

import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.io.IOException;

/** What a message says of a tensor beside its bytes; inputs and outputs have the same form. */
final class GrpcTensors {
  private GrpcTensors() {}

  /** How many bytes the description takes, without its own tag and length. */
  static int size(Tensor tensor) {
    int dims = dimsSize(tensor.shape());
    return ProtoWriter.stringFieldSize(tensor.name())
        + ProtoWriter.stringFieldSize(tensor.type().name())
        + (dims == 0 ? 0 : 1 + ProtoWriter.varintSize(dims) + dims);
  }

  static void write(ProtoWriter writer, int field, Tensor tensor) throws IOException {
    writer.tag(field, size(tensor));
    writer.string(1, tensor.name());
    writer.string(2, tensor.type().name());
    Shape shape = tensor.shape();
    int dims = dimsSize(shape);
    if (dims > 0) {
      writer.tag(3, dims);
      for (int i = 0; i < shape.rank(); i++) {
        writer.varint(shape.dim(i));
      }
    }
  }

  private static int dimsSize(Shape shape) {
    int size = 0;
    for (int i = 0; i < shape.rank(); i++) {
      size += ProtoWriter.varintSize(shape.dim(i));
    }
    return size;
  }
}
