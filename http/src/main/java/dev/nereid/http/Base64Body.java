package dev.nereid.http;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.HexFormat;

/**
 * Decodes base64 text that lies in a block, as JSON carries pictures, into a lease. Takes a data
 * URL, both alphabets, line ends, missing padding, and JSON's escapes.
 */
public final class Base64Body {
  private static final int CHUNK = 12 << 10; // a multiple of four
  private static final int LONGEST_URL_HEAD = 256;

  /** Bytes of JSON's longest escape. */
  private static final int ESCAPE = 6;

  private static final boolean[] IS_PLAIN = new boolean[256];

  static {
    for (int c = '!'; c < 256; c++) {
      IS_PLAIN[c] = c != '\\' && c != '-' && c != '_';
    }
  }

  private Base64Body() {}

  /**
   * Decoded bytes in a lease, which the holder closes.
   *
   * @param offset of the first one
   */
  public record Decoded(Lease lease, int offset, int length) implements AutoCloseable {
    @Override
    public void close() {
      lease.close();
    }
  }

  /**
   * Decodes the text from the buffer's position to its limit.
   *
   * @throws FaultException INVALID_ARGUMENT when it is not base64, OVERLOADED without memory
   */
  public static Decoded decode(ByteBuffer text, MemoryPool memory) {
    return decode(text, memory, 0);
  }

  /**
   * Decodes the text from the buffer's position to its limit.
   *
   * @param headroom bytes to leave free before the decoded ones
   * @throws FaultException INVALID_ARGUMENT when it is not base64, OVERLOADED without memory
   */
  public static Decoded decode(ByteBuffer text, MemoryPool memory, int headroom) {
    ByteBuffer in = text.slice();
    skipUrlHead(in);
    Lease lease = memory.take(Math.max(1, headroom + (int) ((in.remaining() + 3L) / 4 * 3)));
    try {
      ByteBuffer out = lease.bytes().position(headroom);
      decode(in, out);
      return new Decoded(lease, headroom, out.position() - headroom);
    } catch (IllegalArgumentException e) {
      lease.close();
      throw FaultException.of(Fault.INVALID_ARGUMENT, "base64: " + e.getMessage());
    } catch (RuntimeException e) {
      lease.close();
      throw e;
    }
  }

  private static void decode(ByteBuffer in, ByteBuffer out) {
    byte[] chunk = new byte[Math.min(CHUNK, in.remaining())];
    byte[] bytes = new byte[CHUNK / 4 * 3];
    int kept = 0;
    while (in.hasRemaining()) {
      int read = Math.min(chunk.length - kept, in.remaining());
      in.get(chunk, kept, read);
      if (in.hasRemaining()) {
        int cut = escapeCut(chunk, kept, kept + read);
        in.position(in.position() - cut);
        read -= cut;
      }
      int clean = cleaned(chunk, kept, kept + read);
      int whole = in.hasRemaining() ? clean & ~3 : clean;
      out.put(bytes, 0, decode(chunk, whole, bytes));
      kept = clean - whole;
      System.arraycopy(chunk, whole, chunk, 0, kept);
    }
  }

  private static int decode(byte[] chunk, int length, byte[] target) {
    byte[] source = length == chunk.length ? chunk : java.util.Arrays.copyOf(chunk, length);
    return Base64.getDecoder().decode(source, target);
  }

  /** Leaves only base64's own characters in a stretch, and tells where it now ends. */
  private static int cleaned(byte[] chunk, int from, int to) {
    boolean plain = true;
    for (int i = from; i < to; i++) {
      plain &= IS_PLAIN[chunk[i] & 0xff];
    }
    if (plain) {
      return to;
    }
    int end = from;
    for (int i = from; i < to; i++) {
      byte b = chunk[i];
      if (b == '\\' && i + 1 < to) {
        i++;
        b =
            switch (chunk[i]) {
              case 'n', 'r', 't' -> ' ';
              case 'u' -> unicode(chunk, i + 1, to);
              default -> chunk[i];
            };
        i += chunk[i] == 'u' ? ESCAPE - 2 : 0;
      }
      if (b > ' ') {
        chunk[end++] = b == '-' ? (byte) '+' : b == '_' ? (byte) '/' : b;
      }
    }
    return end;
  }

  /** How many bytes at the end of a stretch belong to an escape that may go on after it. */
  private static int escapeCut(byte[] chunk, int from, int to) {
    for (int i = Math.max(from, to - ESCAPE + 1); i < to; i++) {
      if (chunk[i] == '\\') {
        return to - i;
      }
    }
    return 0;
  }

  private static byte unicode(byte[] chunk, int from, int to) {
    if (from + 4 > to) {
      throw new IllegalArgumentException("an escape is cut off");
    }
    String digits = new String(chunk, from, 4, StandardCharsets.ISO_8859_1);
    int value = HexFormat.fromHexDigits(digits);
    if (value > 0x7e) {
      throw new IllegalArgumentException("character \\u" + digits);
    }
    return (byte) value;
  }

  /** Passes over {@code data:image/jpeg;base64,}. */
  private static void skipUrlHead(ByteBuffer in) {
    int most = Math.min(LONGEST_URL_HEAD, in.remaining());
    byte[] start = new byte[most];
    in.get(0, start);
    String text = new String(start, StandardCharsets.ISO_8859_1);
    if (text.startsWith("data:")) {
      int comma = text.indexOf(',');
      if (comma < 0 || !text.substring(0, comma).endsWith(";base64")) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT, "data URL (expected: data:image/...;base64,...)");
      }
      in.position(comma + 1);
    }
  }
}
