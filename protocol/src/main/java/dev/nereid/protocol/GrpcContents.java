package dev.nereid.protocol;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;

/**
 * Typed tensor contents of a gRPC request. Packed floats and doubles already are what a tensor is,
 * and become views; the rest is converted. Confined to one thread.
 */
final class GrpcContents {
  private static final int NO_FIELD = -1;
  private static final int LENGTH_PREFIX = 4;

  /** The types that the fields of InferTensorContents carry, by field number. */
  private static final DataType[] FIELD_TYPES = {
    DataType.BYTES,
    DataType.BOOL,
    DataType.INT32,
    DataType.INT64,
    DataType.UINT32,
    DataType.UINT64,
    DataType.FP32,
    DataType.FP64,
    DataType.BYTES
  };

  private final Lease body;
  private final ProtoCursor cursor;
  private final MemoryPool memory;
  private final String model;

  /** Contents that lie in this body. */
  GrpcContents(Lease body, ProtoCursor cursor, MemoryPool memory, String model) {
    this.body = body;
    this.cursor = cursor;
    this.memory = memory;
    this.model = model;
  }

  /**
   * The tensor of a message InferTensorContents; it lies in the body, or in a lease of its own that
   * the caller closes.
   */
  Tensor read(String name, DataType type, Shape shape, int offset, int length) {
    int expected = fieldOf(type);
    cursor.revisit(offset, length);
    long bytes = 0;
    int chunks = 0;
    int chunkAt = 0;
    while (cursor.next()) {
      if (cursor.field() >= FIELD_TYPES.length) {
        cursor.skip();
        continue;
      }
      int start = cursor.offset();
      long size = measure(type, cursor.field() == expected);
      if (cursor.field() != expected && size != 0) {
        throw unexpected(name, type, cursor.field(), bytes > 0);
      }
      chunks += size == 0 ? 0 : 1;
      chunkAt = size == 0 ? chunkAt : start;
      bytes += size;
    }
    if (bytes > Integer.MAX_VALUE - 8) {
      throw ProtoCursor.malformed("the contents of input '" + name + "' exceed 2^31 bytes");
    }
    if (chunks == 1 && (type == DataType.FP32 || type == DataType.FP64) && bytes > 8) {
      cursor.revisit(chunkAt, offset + length - chunkAt);
      cursor.length();
      return new Tensor(name, type, shape, body, cursor.offset(), (int) bytes);
    }
    Lease lease = memory.take((int) bytes);
    try {
      convert(type, offset, length, lease.bytes());
    } catch (RuntimeException e) {
      lease.close();
      throw e;
    }
    return new Tensor(name, type, shape, lease, 0, (int) bytes);
  }

  private static int fieldOf(DataType type) {
    return switch (type) {
      case BOOL -> 1;
      case INT8, INT16, INT32 -> 2;
      case INT64 -> 3;
      case UINT8, UINT16, UINT32 -> 4;
      case UINT64 -> 5;
      case FP32 -> 6;
      case FP64 -> 7;
      case BYTES -> 8;
      case FP16, BF16 -> NO_FIELD;
    };
  }

  private FaultException unexpected(String name, DataType type, int field, boolean supplied) {
    String head =
        "unexpected explicit tensor data for input tensor '%s' for model '%s'"
            .formatted(name, model);
    return FaultException.of(
        Fault.INVALID_ARGUMENT,
        supplied
            ? head + ", binary data was already supplied."
            : head + " of type '" + FIELD_TYPES[field] + "', expected datatype '" + type + "'");
  }

  /** Steps over one field; the tensor bytes it makes, or just any number above 0 when foreign. */
  private long measure(DataType type, boolean own) {
    int wireType = cursor.wireType();
    if (!own) {
      int start = cursor.offset();
      cursor.skip();
      return wireType != ProtoCursor.BYTES || cursor.offset() - start > 1 ? 1 : 0;
    }
    if (type == DataType.BYTES) {
      requireWireType(wireType, ProtoCursor.BYTES);
      int length = cursor.length();
      cursor.advance(length);
      return LENGTH_PREFIX + (long) length;
    }
    int scalar = scalarWireType(type);
    if (wireType != ProtoCursor.BYTES) {
      requireWireType(wireType, scalar);
      cursor.skip();
      return type.byteSize();
    }
    int outer = cursor.enter();
    long elements = 0;
    if (scalar == ProtoCursor.VARINT) {
      for (; !cursor.atEnd(); elements++) {
        cursor.varint();
      }
    } else {
      int length = cursor.remaining();
      if (length % type.byteSize() != 0) {
        throw ProtoCursor.malformed("a packed list of " + type + " has " + length + " bytes");
      }
      elements = length / type.byteSize();
    }
    cursor.leave(outer);
    return elements * type.byteSize();
  }

  private static int scalarWireType(DataType type) {
    return switch (type) {
      case FP32 -> ProtoCursor.FIXED32;
      case FP64 -> ProtoCursor.FIXED64;
      default -> ProtoCursor.VARINT;
    };
  }

  private static void requireWireType(int actual, int expected) {
    if (actual != expected) {
      throw ProtoCursor.malformed("a field of tensor contents has wire type " + actual);
    }
  }

  private void convert(DataType type, int offset, int length, ByteBuffer target) {
    int expected = fieldOf(type);
    cursor.revisit(offset, length);
    while (cursor.next()) {
      if (cursor.field() != expected) {
        cursor.skip();
      } else if (type == DataType.BYTES) {
        int size = cursor.length();
        target.putInt(size).put(body.bytes(cursor.offset(), size));
        cursor.advance(size);
      } else if (cursor.wireType() == ProtoCursor.BYTES) {
        int outer = cursor.enter();
        while (!cursor.atEnd()) {
          put(type, target);
        }
        cursor.leave(outer);
      } else {
        put(type, target);
      }
    }
  }

  private void put(DataType type, ByteBuffer target) {
    switch (type.byteSize()) {
      case 1 -> {
        long value = cursor.varint();
        target.put((byte) (type == DataType.BOOL && value != 0 ? 1 : value));
      }
      case 2 -> target.putShort((short) cursor.varint());
      case 4 -> target.putInt(type == DataType.FP32 ? cursor.fixed32() : (int) cursor.varint());
      default -> target.putLong(type == DataType.FP64 ? cursor.fixed64() : cursor.varint());
    }
  }
}
