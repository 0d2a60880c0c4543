package dev.nereid.protocol;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Writes protobuf fields through an array that its thread keeps; a small message reaches the stream
 * in one piece. Confined to one thread; one at a time there.
 */
final class ProtoWriter implements AutoCloseable {
  private static final int CHUNK = 16 << 10;
  private static final ThreadLocal<byte[]> CHUNKS = ThreadLocal.withInitial(() -> new byte[CHUNK]);

  private final OutputStream out;
  private final byte[] chunk;
  private int at;

  /**
   * A writer to this stream.
   *
   * @param headSize at most as many bytes are written before the first {@link #bytes}
   */
  ProtoWriter(OutputStream out, int headSize) {
    this.out = out;
    byte[] kept = CHUNKS.get();
    chunk = headSize + 16 <= kept.length ? kept : new byte[headSize + 16];
  }

  static int varintSize(long value) {
    // Seven bits to a byte: 1 for 0 to 127, 10 for the negative.
    return (70 - Long.numberOfLeadingZeros(value | 1)) / 7;
  }

  static int utf8Length(String text) {
    int length = text.length();
    for (int i = 0; i < length; i++) {
      if (text.charAt(i) >= 0x80) {
        return text.getBytes(StandardCharsets.UTF_8).length;
      }
    }
    return length;
  }

  /** The size of a string field; an empty one is left out. */
  static int stringFieldSize(String text) {
    int length = utf8Length(text);
    return length == 0 ? 0 : 1 + varintSize(length) + length;
  }

  /** The tag and length of a field whose content follows. */
  void tag(int field, int length) throws IOException {
    ensure(16);
    chunk[at++] = (byte) (field << 3 | ProtoCursor.BYTES);
    varint(length);
  }

  void varint(long value) throws IOException {
    ensure(10);
    long rest = value;
    while ((rest & ~0x7FL) != 0) {
      chunk[at++] = (byte) (rest | 0x80);
      rest >>>= 7;
    }
    chunk[at++] = (byte) rest;
  }

  void varintField(int field, long value) throws IOException {
    ensure(16);
    chunk[at++] = (byte) (field << 3 | ProtoCursor.VARINT);
    varint(value);
  }

  void fixed64(int field, long bits) throws IOException {
    ensure(16);
    chunk[at++] = (byte) (field << 3 | ProtoCursor.FIXED64);
    for (int shift = 0; shift < 64; shift += 8) {
      chunk[at++] = (byte) (bits >>> shift);
    }
  }

  /** A string field; an empty one is left out. */
  void string(int field, String text) throws IOException {
    if (!text.isEmpty()) {
      presentString(field, text);
    }
  }

  /** A string field, even if empty. */
  void presentString(int field, String text) throws IOException {
    int length = utf8Length(text);
    tag(field, length);
    ensure(length);
    if (length == text.length()) {
      for (int i = 0; i < length; i++) {
        chunk[at++] = (byte) text.charAt(i);
      }
    } else {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      System.arraycopy(bytes, 0, chunk, at, length);
      at += length;
    }
  }

  /** The remaining bytes of a buffer. */
  void bytes(ByteBuffer source) throws IOException {
    while (source.hasRemaining()) {
      if (at == chunk.length) {
        flush();
      }
      int n = Math.min(source.remaining(), chunk.length - at);
      source.get(chunk, at, n);
      at += n;
    }
  }

  private void ensure(int bytes) throws IOException {
    if (at + bytes > chunk.length) {
      flush();
    }
  }

  private void flush() throws IOException {
    out.write(chunk, 0, at);
    at = 0;
  }

  @Override
  public void close() throws IOException {
    flush();
  }
}
