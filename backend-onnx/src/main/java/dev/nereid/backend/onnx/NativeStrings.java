package dev.nereid.backend.onnx;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** BYTES tensors to strings of the runtime and back, byte for byte. Stateless. */
@SuppressWarnings("restricted") // native access is what it is for
final class NativeStrings {
  private NativeStrings() {}

  /**
   * Copies the elements of a BYTES tensor to a string tensor.
   *
   * @param out eight bytes for C to write to
   */
  static void fill(long value, Tensor source, MemorySegment out) {
    ByteBuffer bytes = source.bytes();
    long count = source.shape().elementCount();
    for (long i = 0; i < count; i++) {
      int length = bytes.remaining() < Integer.BYTES ? -1 : bytes.getInt();
      if (length < 0 || length > bytes.remaining()) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "input '%s': element %d of %d is cut off (expected: 4 bytes of length and as many bytes)"
                .formatted(source.name(), i, count));
      }
      OrtApi.resizeString(value, i, length, out.address());
      MemorySegment target = MemorySegment.ofAddress(out.get(JAVA_LONG, 0)).reinterpret(length);
      target.copyFrom(MemorySegment.ofBuffer(bytes.slice(bytes.position(), length)));
      bytes.position(bytes.position() + length);
    }
  }

  /**
   * The elements of a string tensor as BYTES.
   *
   * @param out eight bytes for C to write to
   */
  static Lease read(long value, long count, MemoryPool memory, MemorySegment out) {
    OrtApi.getStringsLength(value, out.address());
    long length = out.get(JAVA_LONG, 0);
    long size = length + count * Integer.BYTES;
    if (size > Integer.MAX_VALUE) {
      throw FaultException.of(
          Fault.BACKEND_FAILED,
          "output: " + size + " bytes of strings (expected: at most " + Integer.MAX_VALUE + ")");
    }
    Lease lease = memory.take((int) size);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment content = arena.allocate(Math.max(1, length));
      MemorySegment offsets = arena.allocate(JAVA_LONG, count + 1);
      if (count > 0) {
        OrtApi.getStrings(value, content.asSlice(0, length), offsets, count);
      }
      offsets.setAtIndex(JAVA_LONG, count, length);
      write(content, offsets, count, lease.bytes());
    } catch (RuntimeException e) {
      lease.close();
      throw e;
    }
    return lease;
  }

  private static void write(
      MemorySegment content, MemorySegment offsets, long count, ByteBuffer target) {
    for (long i = 0; i < count; i++) {
      long from = offsets.getAtIndex(JAVA_LONG, i);
      long length = offsets.getAtIndex(JAVA_LONG, i + 1) - from;
      target.putInt((int) length);
      target.put(content.asSlice(from, length).asByteBuffer());
    }
  }
}
