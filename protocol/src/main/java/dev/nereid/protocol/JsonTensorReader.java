package dev.nereid.protocol;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import java.nio.ByteBuffer;

/**
 * JSON {@code data} arrays into off-heap tensors. Nesting is free; the order of the leaves counts.
 * Memory is asked for only when the text is long enough to fill it. Thread-safe.
 */
final class JsonTensorReader {
  private static final String COMPLAINT = "Unable to parse 'data'";
  private static final int LENGTH_PREFIX = 4;

  private final MemoryPool memory;
  private final long maxTensorBytes;

  JsonTensorReader(MemoryPool memory, long maxTensorBytes) {
    this.memory = memory;
    this.maxTensorBytes = maxTensorBytes;
  }

  /** A tensor's bytes, which may be fewer than the lease holds. */
  record Content(Lease lease, int length) {}

  /** Reads the array at the cursor. */
  Content read(JsonCursor cursor, DataType type, long count) {
    if (cursor.peek() != '[') {
      throw cursor.typeMismatch(COMPLAINT, "array", "array");
    }
    if (count == 0) {
      cursor.skipValue();
      return new Content(memory.take(0), 0);
    }
    if (count > cursor.remaining() / 2) {
      throw countMismatch(); // an element is a byte at least, and a comma or bracket follows
    }
    int bytes =
        type == DataType.BYTES ? stringBytes(cursor, count) : fixedBytes(count, type.byteSize());
    Lease lease = memory.take(bytes);
    try {
      int length = bytes;
      if (type == DataType.BYTES) {
        length = strings(cursor, lease.bytes(), (int) count);
      } else {
        numbers(cursor, type, lease.bytes(), (int) count);
      }
      return new Content(lease, length);
    } catch (RuntimeException e) {
      lease.close();
      throw e;
    }
  }

  private int fixedBytes(long count, int elementSize) {
    long bytes = count * elementSize; // no overflow: the count is below 2^31
    requireWithinLimit(bytes);
    return (int) bytes;
  }

  /** No fewer bytes than the strings and their prefixes take. */
  private int stringBytes(JsonCursor cursor, long count) {
    int start = cursor.offset();
    cursor.skipValue();
    long bytes = cursor.offset() - start + count * LENGTH_PREFIX;
    cursor.moveTo(start);
    requireWithinLimit(bytes);
    return (int) bytes;
  }

  private void requireWithinLimit(long bytes) {
    if (bytes > maxTensorBytes) {
      throw RequestLimits.tensorTooLarge(bytes, maxTensorBytes);
    }
  }

  private void numbers(JsonCursor cursor, DataType type, ByteBuffer target, int count) {
    cursor.enterElements(COMPLAINT);
    int elements =
        switch (type) {
          case FP32 -> floats(cursor, target, count);
          case FP64 -> doubles(cursor, target, count);
          case BOOL -> booleans(cursor, target, count);
          case INT8, INT16, INT32, INT64 ->
              integers(cursor, target, count, new Width(type.byteSize(), false));
          case UINT8, UINT16, UINT32, UINT64 ->
              integers(cursor, target, count, new Width(type.byteSize(), true));
          case FP16, BF16, BYTES ->
              throw new IllegalArgumentException(
                  "type: " + type + " (expected: one that JSON numbers can carry)");
        };
    if (elements != count) {
      throw countMismatch();
    }
  }

  private static int floats(JsonCursor cursor, ByteBuffer target, int count) {
    int n = 0;
    while (cursor.nextElement()) {
      int run = cursor.plainFloats(target);
      n += run;
      if (run == 0) {
        float value = cursor.floatElement(COMPLAINT);
        requireRoom(n++, count);
        target.putFloat(value);
      }
    }
    return n;
  }

  private static int doubles(JsonCursor cursor, ByteBuffer target, int count) {
    int n = 0;
    while (cursor.nextElement()) {
      double value = cursor.doubleElement(COMPLAINT);
      requireRoom(n, count);
      target.putDouble(n++ * Double.BYTES, value);
    }
    return n;
  }

  private static int booleans(JsonCursor cursor, ByteBuffer target, int count) {
    int n = 0;
    while (cursor.nextElement()) {
      boolean value = cursor.bool(COMPLAINT);
      requireRoom(n, count);
      target.put(n++, (byte) (value ? 1 : 0));
    }
    return n;
  }

  private record Width(int bytes, boolean unsigned) {}

  /** Integers that exceed their type lose their upper bits, as v2 has it. */
  private static int integers(JsonCursor cursor, ByteBuffer target, int count, Width width) {
    int n = 0;
    while (cursor.nextElement()) {
      long value = cursor.integerElement(width.unsigned, COMPLAINT);
      requireRoom(n, count);
      switch (width.bytes) {
        case 1 -> target.put(n, (byte) value);
        case 2 -> target.putShort(n * 2, (short) value);
        case 4 -> target.putInt(n * 4, (int) value);
        default -> target.putLong(n * 8, value);
      }
      n++;
    }
    return n;
  }

  private static int strings(JsonCursor cursor, ByteBuffer target, int count) {
    cursor.enterElements(COMPLAINT);
    int n = 0;
    int at = 0;
    while (cursor.nextElement()) {
      if (cursor.peek() != '"') {
        throw cursor.typeMismatch(COMPLAINT, "string", "string");
      }
      requireRoom(n, count);
      int length = cursor.copyString(target, at + LENGTH_PREFIX);
      target.putInt(at, length);
      at += LENGTH_PREFIX + length;
      n++;
    }
    if (n != count) {
      throw countMismatch();
    }
    return at;
  }

  private static void requireRoom(int elements, int count) {
    if (elements == count) {
      throw countMismatch();
    }
  }

  private static FaultException countMismatch() {
    return FaultException.of(
        Fault.INVALID_ARGUMENT, COMPLAINT + ": Shape does not match true shape of 'data' field");
  }
}
