package dev.nereid.protocol;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.PooledByteBufAllocator;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * A JSON text under construction. It grows in an array that its thread keeps, and goes off heap in
 * pieces when it is long, or all at once in the end. Confined to one thread; one at a time there.
 */
final class JsonText implements AutoCloseable {
  private static final int CHUNK = 16 << 10;
  private static final ThreadLocal<byte[]> CHUNKS = ThreadLocal.withInitial(() -> new byte[CHUNK]);
  private static final byte[] HEX = ascii("0123456789abcdef");

  private final byte[] chunk = CHUNKS.get();
  private int at;
  private @Nullable ByteBuf written;

  static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /** Bytes so far. */
  int length() {
    return at + (written == null ? 0 : written.readableBytes());
  }

  /** Appends bytes as they are, a few at a time. */
  JsonText raw(byte[] bytes) {
    if (bytes.length > CHUNK) {
      flush(bytes.length).writeBytes(bytes);
      return this;
    }
    ensure(bytes.length);
    System.arraycopy(bytes, 0, chunk, at, bytes.length);
    at += bytes.length;
    return this;
  }

  /** Appends one ASCII character. */
  JsonText raw(char c) {
    ensure(1);
    chunk[at++] = (byte) c;
    return this;
  }

  /** Takes the last character back. */
  void back() {
    at--;
  }

  /** Appends a string, quoted. */
  JsonText string(String text) {
    raw('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= 0x80) {
        byte[] rest = text.substring(i).getBytes(StandardCharsets.UTF_8);
        for (byte b : rest) {
          character(b);
        }
        break;
      }
      character(c);
    }
    return raw('"');
  }

  /** Appends one byte of a string's UTF-8 form, escaped where JSON wants it. */
  void character(int c) {
    ensure(6);
    if (c == '"' || c == '\\') {
      chunk[at++] = '\\';
      chunk[at++] = (byte) c;
    } else if (c >= 0 && c < ' ') {
      escape(c);
    } else {
      chunk[at++] = (byte) c;
    }
  }

  private void escape(int c) {
    int letter =
        switch (c) {
          case '\b' -> 'b';
          case '\f' -> 'f';
          case '\n' -> 'n';
          case '\r' -> 'r';
          case '\t' -> 't';
          default -> 'u';
        };
    chunk[at++] = '\\';
    chunk[at++] = (byte) letter;
    if (letter == 'u') {
      chunk[at++] = '0';
      chunk[at++] = '0';
      chunk[at++] = HEX[c >> 4];
      chunk[at++] = HEX[c & 15];
    }
  }

  /** Appends a whole number. */
  JsonText number(long value) {
    ensure(20);
    if (value < 0) {
      if (value == Long.MIN_VALUE) {
        return raw(ascii("-9223372036854775808"));
      }
      chunk[at++] = '-';
    }
    long rest = Math.abs(value);
    int digits = 1;
    for (long power = 10; digits < 19 && rest >= power; power *= 10) {
      digits++;
    }
    for (int i = at + digits - 1; i >= at; i--) {
      chunk[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    at += digits;
    return this;
  }

  /** Appends the shortest decimal that means this float. */
  JsonText number(float value) {
    ensure(FloatText.MAX_LENGTH);
    at = FloatText.put(value, chunk, at);
    return this;
  }

  /** Appends the shortest decimal that means this double. */
  JsonText number(double value) {
    return raw(ascii(Double.toString(value)));
  }

  private void ensure(int bytes) {
    if (at + bytes > CHUNK) {
      flush(CHUNK);
    }
  }

  private ByteBuf flush(int more) {
    if (written == null) {
      written = PooledByteBufAllocator.DEFAULT.directBuffer(at + more);
    }
    written.writeBytes(chunk, 0, at);
    at = 0;
    return written;
  }

  /** The text, with room for so many bytes behind it; it belongs to the caller. */
  ByteBuf finish(int room) {
    ByteBuf text = flush(room);
    written = null;
    return text;
  }

  /** Gives back what was not {@linkplain #finish finished}. */
  @Override
  public void close() {
    if (written != null) {
      written.release();
      written = null;
    }
  }
}
