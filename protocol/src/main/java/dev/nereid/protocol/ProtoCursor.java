package dev.nereid.protocol;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;

/**
 * Walks through a protobuf message in off-heap bytes, field by field, and builds nothing. Confined
 * to one thread. Malformed bytes end in a {@link FaultException}.
 */
final class ProtoCursor {
  static final int VARINT = 0;
  static final int FIXED64 = 1;
  static final int BYTES = 2;
  static final int FIXED32 = 5;

  private final ByteBuffer bytes;
  private final NameCache names;
  private int at;
  private int end;
  private int field;
  private int wireType;

  /** A cursor before the first field of the message that fills the buffer. */
  ProtoCursor(ByteBuffer bytes, NameCache names) {
    this.bytes = bytes;
    this.names = names;
    end = bytes.limit();
  }

  static FaultException malformed(String reason) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT, "failed to parse the ModelInferRequest: " + reason);
  }

  /** Moves to the next field of the message; false at its end. */
  boolean next() {
    if (at == end) {
      return false;
    }
    long tag = varint();
    field = (int) (tag >>> 3);
    wireType = (int) (tag & 7);
    if (field == 0 || tag >>> 32 != 0) {
      throw malformed("invalid tag at byte " + at);
    }
    return true;
  }

  /** The number of the field, when its value has that wire type; else 0, for {@link #skip}. */
  int field(int expected) {
    return wireType == expected ? field : 0;
  }

  int field() {
    return field;
  }

  int wireType() {
    return wireType;
  }

  int offset() {
    return at;
  }

  /** Steps into the message or packed list at the cursor; the mark is for {@link #leave}. */
  int enter() {
    int length = length();
    int outer = end;
    end = at + length;
    return outer;
  }

  /** Steps out again, behind it. */
  void leave(int outer) {
    at = end;
    end = outer;
  }

  /** Steps into bytes that were walked over before. */
  void revisit(int offset, int length) {
    at = offset;
    end = offset + length;
  }

  int remaining() {
    return end - at;
  }

  boolean atEnd() {
    return at == end;
  }

  /** The length of the value at the cursor, which is within the message; steps over the length. */
  int length() {
    long length = varint();
    if (length < 0 || length > end - at) {
      throw malformed("truncated at byte " + at);
    }
    return (int) length;
  }

  /** Steps over so many bytes. */
  void advance(int length) {
    at += length;
  }

  long varint() {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at == end) {
        throw malformed("truncated at byte " + at);
      }
      byte b = bytes.get(at++);
      value |= (long) (b & 0x7F) << shift;
      if (b >= 0) {
        return value;
      }
    }
    throw malformed("a varint exceeds 64 bits at byte " + at);
  }

  int fixed32() {
    requireBytes(4);
    int value = bytes.getInt(at);
    at += 4;
    return value;
  }

  long fixed64() {
    requireBytes(8);
    long value = bytes.getLong(at);
    at += 8;
    return value;
  }

  private void requireBytes(int count) {
    if (end - at < count) {
      throw malformed("truncated at byte " + at);
    }
  }

  /** The string at the cursor, one that other requests are likely to repeat. */
  String name() {
    return string(true);
  }

  /** The string at the cursor. */
  String string() {
    return string(false);
  }

  private String string(boolean repeated) {
    int length = length();
    int from = at;
    at += length;
    try {
      return repeated ? names.get(bytes, from, length) : NameCache.decode(bytes, from, length);
    } catch (CharacterCodingException e) {
      throw malformed("a string is not UTF-8 at byte " + from);
    }
  }

  /** Steps over the value of the field at the cursor. */
  void skip() {
    switch (wireType) {
      case VARINT -> varint();
      case FIXED64 -> fixed64();
      case BYTES -> advance(length());
      case FIXED32 -> fixed32();
      default -> throw malformed("wire type " + wireType + " is not supported at byte " + at);
    }
  }
}
