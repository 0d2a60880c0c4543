package dev.nereid.http;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Finds the parts of a {@code multipart/form-data} body (RFC 7578) that lies in one block. Nothing
 * is copied: a part tells where its bytes are. The search looks at one byte in forty or so.
 */
public final class Multipart {
  private static final int LONGEST_BOUNDARY = 70;

  private final ByteBuffer body;
  private final byte[] delimiter; // CR LF dash dash boundary
  private final int[] skips = new int[256];
  private final Limits limits;
  private final List<Part> parts = new ArrayList<>();

  /**
   * What a body may have.
   *
   * @param headerBytes of the header lines of one part
   */
  public record Limits(int parts, int headerBytes) {
    /** 1,024 parts with 8 KiB of header lines each. */
    public static final Limits DEFAULT = new Limits(1024, 8 << 10);
  }

  /**
   * One field of a form.
   *
   * @param fileName null when the field is no file
   * @param contentType without parameters, in lower case; empty when the part names none
   * @param offset of its first byte in the body
   */
  public record Part(
      String name, @Nullable String fileName, String contentType, int offset, int length) {}

  private Multipart(ByteBuffer body, byte[] delimiter, Limits limits) {
    this.body = body;
    this.delimiter = delimiter;
    this.limits = limits;
    Arrays.fill(skips, delimiter.length);
    for (int i = 0; i < delimiter.length - 1; i++) {
      skips[delimiter[i] & 0xff] = delimiter.length - 1 - i;
    }
  }

  /** Whether a {@code Content-Type} is one of a form with parts. */
  public static boolean isMultipart(@Nullable String contentType) {
    return contentType != null && contentType.regionMatches(true, 0, "multipart/form-data", 0, 19);
  }

  /**
   * The parts of a body, in their order.
   *
   * @param body from its position to its limit; offsets count from its position
   * @throws FaultException INVALID_ARGUMENT when the body is not what its type says, TOO_LARGE over
   *     a limit
   */
  public static List<Part> parse(ByteBuffer body, String contentType, Limits limits) {
    String boundary = PartHeaders.parameter(contentType, "boundary");
    if (boundary == null || boundary.isEmpty() || boundary.length() > LONGEST_BOUNDARY) {
      throw bad("content-type (expected: a boundary of 1 to 70 characters)");
    }
    byte[] delimiter = ("\r\n--" + boundary).getBytes(StandardCharsets.ISO_8859_1);
    return new Multipart(body.slice(), delimiter, limits).parse();
  }

  private List<Part> parse() {
    int at = firstDelimiterEnd();
    while (!isClosing(at)) {
      int headers = lineEnd(at);
      int start = headersEnd(headers);
      int end = find(Math.max(headers, start - 2));
      if (end < 0) {
        throw bad("a part has no end (expected: the boundary after it)");
      }
      addPart(headers, start, Math.max(start, end));
      at = end + delimiter.length;
    }
    return parts;
  }

  /** What comes before the first boundary means nothing; the boundary may be at the very start. */
  private int firstDelimiterEnd() {
    int bare = delimiter.length - 2;
    if (body.limit() >= bare && matches(-2, 2)) {
      return bare;
    }
    int found = find(0);
    if (found < 0) {
      throw bad("no boundary in the body");
    }
    return found + delimiter.length;
  }

  private boolean isClosing(int at) {
    return at + 2 <= body.limit() && body.get(at) == '-' && body.get(at + 1) == '-';
  }

  /** Behind the end of the boundary's line, which may be padded with blanks. */
  private int lineEnd(int at) {
    int end = at;
    while (end < body.limit() && (body.get(end) == ' ' || body.get(end) == '\t')) {
      end++;
    }
    if (end + 2 > body.limit() || body.get(end) != '\r' || body.get(end + 1) != '\n') {
      throw bad("a boundary's line does not end");
    }
    return end + 2;
  }

  /** Behind the empty line that ends a part's header lines. */
  private int headersEnd(int start) {
    int last = Math.min(body.limit(), start + limits.headerBytes());
    for (int at = start; at + 1 < last; at++) {
      if (body.get(at) == '\r' && body.get(at + 1) == '\n') {
        if (at == start || (body.get(at - 1) == '\n' && body.get(at - 2) == '\r')) {
          return at + 2;
        }
      }
    }
    if (last < body.limit()) {
      throw FaultException.of(
          Fault.TOO_LARGE,
          "multipart: header lines of a part (expected: at most "
              + limits.headerBytes()
              + " bytes)");
    }
    throw bad("the header lines of a part do not end");
  }

  private void addPart(int headers, int start, int end) {
    if (parts.size() == limits.parts()) {
      throw FaultException.of(
          Fault.TOO_LARGE, "multipart: parts (expected: at most " + limits.parts() + ")");
    }
    byte[] lines = new byte[start - headers];
    body.get(headers, lines);
    String disposition = "";
    String contentType = "";
    for (String line : new String(lines, StandardCharsets.UTF_8).split("\r\n", -1)) {
      int colon = line.indexOf(':');
      String name = colon < 0 ? "" : line.substring(0, colon).strip().toLowerCase(Locale.ROOT);
      String value = line.substring(colon + 1).strip();
      switch (name) {
        case "content-disposition" -> disposition = value;
        case "content-type" -> contentType = PartHeaders.mainValue(value);
        case "content-transfer-encoding" -> requireUnencoded(value);
        default -> {} // means nothing in a form
      }
    }
    String field = PartHeaders.parameter(disposition, "name");
    if (!PartHeaders.mainValue(disposition).equals("form-data") || field == null) {
      throw bad("a part has no name (expected: content-disposition: form-data; name=...)");
    }
    String fileName = PartHeaders.fileName(disposition);
    parts.add(new Part(field, fileName, contentType, start, end - start));
  }

  private static void requireUnencoded(String encoding) {
    switch (encoding.toLowerCase(Locale.ROOT)) {
      case "7bit", "8bit", "binary", "" -> {}
      default -> throw bad("content-transfer-encoding (expected: binary)");
    }
  }

  /** Where the delimiter next begins, by Horspool's search; -1 when it does not. */
  private int find(int from) {
    int last = delimiter.length - 1;
    int at = from;
    while (at + last < body.limit()) {
      byte tail = body.get(at + last);
      if (tail == delimiter[last] && matches(at, 0)) {
        return at;
      }
      at += skips[tail & 0xff];
    }
    return -1;
  }

  /** Whether the delimiter, but for its first bytes, lies there. */
  private boolean matches(int at, int skipped) {
    for (int i = delimiter.length - 1; i >= skipped; i--) {
      if (body.get(at + i) != delimiter[i]) {
        return false;
      }
    }
    return true;
  }

  private static FaultException bad(String what) {
    return FaultException.of(Fault.INVALID_ARGUMENT, "multipart: " + what);
  }
}
