package dev.nereid.http;

import dev.nereid.core.Timings;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Header lines of a response, encoded once and written as they are. Immutable: constants are shared
 * by all requests, and {@code with} makes a longer copy.
 *
 * <p>The listener itself adds {@code content-length}, {@code connection} and {@code date}.
 */
public final class ResponseHeaders {
  /** No header line. */
  public static final ResponseHeaders NONE = new ResponseHeaders(new byte[0]);

  private final byte[] lines;

  private ResponseHeaders(byte[] lines) {
    this.lines = lines;
  }

  /** One header line. */
  public static ResponseHeaders of(String name, long value) {
    return NONE.with(name, value);
  }

  /** One header line. */
  public static ResponseHeaders of(String name, String value) {
    return NONE.with(name, value);
  }

  /**
   * These lines and one more.
   *
   * @throws IllegalArgumentException when the name is no token, or the value has control characters
   */
  public ResponseHeaders with(String name, String value) {
    requireToken(name);
    requireValue(name, value);
    int at = lines.length;
    byte[] longer = Arrays.copyOf(lines, at + name.length() + value.length() + 4);
    at = put(longer, at, name);
    longer[at++] = ':';
    longer[at++] = ' ';
    at = put(longer, at, value);
    longer[at++] = '\r';
    longer[at] = '\n';
    return new ResponseHeaders(longer);
  }

  /** These lines and one more. */
  public ResponseHeaders with(String name, long value) {
    return with(name, Long.toString(value));
  }

  /** These lines, and then those. */
  public ResponseHeaders and(ResponseHeaders others) {
    if (others.lines.length == 0) {
      return this;
    }
    if (lines.length == 0) {
      return others;
    }
    byte[] longer = Arrays.copyOf(lines, lines.length + others.lines.length);
    System.arraycopy(others.lines, 0, longer, lines.length, others.lines.length);
    return new ResponseHeaders(longer);
  }

  /**
   * These lines and {@code server-timing}.
   *
   * @param encodeNanos from the model's outputs until now
   * @param totalNanos from the request's first byte until now
   */
  public ResponseHeaders withTiming(Timings timings, long encodeNanos, long totalNanos) {
    return new ResponseHeaders(ServerTiming.behind(lines, timings, encodeNanos, totalNanos));
  }

  /** The lines as text, each with its line end. */
  @Override
  public String toString() {
    return new String(lines, StandardCharsets.ISO_8859_1);
  }

  byte[] lines() {
    return lines;
  }

  @SuppressWarnings("deprecation") // the low bytes are what HTTP carries
  private static int put(byte[] target, int at, String text) {
    text.getBytes(0, text.length(), target, at);
    return at + text.length();
  }

  private static void requireToken(String name) {
    boolean token = !name.isEmpty();
    for (int i = 0; i < name.length() && token; i++) {
      char c = name.charAt(i);
      token = c > ' ' && c < 0x7f && "()<>@,;:\\\"/[]?={}".indexOf(c) < 0;
    }
    if (!token) {
      throw new IllegalArgumentException("header name: '" + name + "' (expected: a token)");
    }
  }

  private static void requireValue(String name, String value) {
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      if ((c < ' ' && c != '\t') || c == 0x7f || c > 0xff) {
        throw new IllegalArgumentException(
            "header " + name + ": character " + (int) c + " (expected: visible Latin-1)");
      }
    }
  }
}
