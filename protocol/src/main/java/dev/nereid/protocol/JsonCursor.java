package dev.nereid.protocol;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import org.jspecify.annotations.Nullable;

/**
 * Walks through a JSON text in off-heap bytes, value by value. Nothing is built that is not asked
 * for; what is not asked for is skipped, and checked on the way. Confined to one thread.
 *
 * <p>Malformed text ends in a {@link FaultException} that names the offset.
 */
final class JsonCursor {
  /** How deep arrays and objects may lie in each other. */
  static final int MAX_DEPTH = 100;

  private static final int AFTER_OPEN = 0;
  private static final int AFTER_COMMA = 1;
  private static final int AFTER_VALUE = 2;

  private final ByteBuffer text;
  private final int end;
  private final NameCache names;
  private final JsonNumber number = new JsonNumber();
  private final FloatRun run = new FloatRun();
  private int at;
  private int depth;
  private int elementDepth;
  private int elementState;

  /**
   * A cursor before the first byte.
   *
   * @param text little-endian; read from index 0 to its limit
   */
  JsonCursor(ByteBuffer text, NameCache names) {
    this.text = text;
    this.end = text.limit();
    this.names = names;
  }

  /** What is wrong, and where. */
  static FaultException malformed(String reason, int offset) {
    return FaultException.of(
        Fault.INVALID_ARGUMENT,
        "failed to parse the request JSON buffer: " + reason + " at " + offset);
  }

  private FaultException malformed(String reason) {
    return malformed(reason, at);
  }

  /** The first byte of the next value or sign, or 0 at the end. Skips white space. */
  int peek() {
    while (at < end) {
      int c = text.get(at);
      if (c != ' ' && c != '\n' && c != '\r' && c != '\t') {
        return c;
      }
      at++;
    }
    return 0;
  }

  /** Where the cursor stands. */
  int offset() {
    return at;
  }

  /** Bytes not yet walked. */
  int remaining() {
    return end - at;
  }

  /** Moves to an offset that was walked before. */
  void moveTo(int offset) {
    at = offset;
  }

  /** Refuses anything but white space up to the end. */
  void requireEnd() {
    if (peek() != 0 || at < end) {
      throw malformed("The document root must not be followed by other values.");
    }
  }

  /** Steps into an array or object; false when it is empty, and stepped over. */
  boolean enter(char open, char close) {
    if (peek() != open) {
      throw malformed(end == 0 ? "The document is empty." : "Invalid value.");
    }
    at++;
    if (++depth > MAX_DEPTH) {
      throw malformed("JSON nesting depth exceeds maximum allowed limit (" + MAX_DEPTH + ")");
    }
    if (peek() == close) {
      leave();
      return false;
    }
    return true;
  }

  /** Whether another element or member follows; steps over the end when not. */
  boolean more(char close) {
    int c = peek();
    if (c == ',') {
      at++;
      return true;
    }
    if (c != close) {
      throw malformed(
          close == ']'
              ? "Missing a comma or ] after an array element."
              : "Missing a comma or } after an object member.");
    }
    leave();
    return false;
  }

  private void leave() {
    at++;
    depth--;
  }

  /** The name of the next member; the cursor is before its value afterwards. */
  String key() {
    if (peek() != '"') {
      throw malformed("Missing a name for object member.");
    }
    String key = string(true);
    if (peek() != ':') {
      throw malformed("Missing a colon after a name of object member.");
    }
    at++;
    return key;
  }

  /** The next value, when it is a string; one that other requests are likely to repeat. */
  String name(String complaint) {
    requireString(complaint);
    return string(true);
  }

  /** The next value, when it is a string. */
  String string(String complaint) {
    requireString(complaint);
    return string(false);
  }

  private void requireString(String complaint) {
    if (peek() != '"') {
      throw typeMismatch(complaint, "string", "string");
    }
  }

  /** The complaint that a value has another type. */
  FaultException typeMismatch(String complaint, String expected, String as) {
    peek();
    skipValue(); // a text that is no JSON at all is reported as that
    return FaultException.of(
        Fault.INVALID_ARGUMENT,
        complaint + ": attempt to access JSON non-" + expected + " as " + as);
  }

  private String string(boolean repeated) {
    int start = at + 1;
    int stop = JsonStrings.endOfPlain(text, start, end);
    try {
      if (stop < end && text.get(stop) == '"') {
        at = stop + 1;
        return repeated
            ? names.get(text, start, stop - start)
            : NameCache.decode(text, start, stop - start);
      }
      int close = JsonStrings.close(text, start, end);
      ByteBuffer decoded = ByteBuffer.allocate(close - start);
      int length = JsonStrings.decode(text, start, close, decoded, 0);
      at = close + 1;
      return NameCache.decode(decoded, 0, length);
    } catch (CharacterCodingException e) {
      throw malformed("Invalid encoding in string.");
    }
  }

  /** Decodes the string at the cursor as UTF-8 into a buffer; the number of bytes. */
  int copyString(ByteBuffer target, int offset) {
    int start = at + 1;
    int close = JsonStrings.close(text, start, end);
    int length = JsonStrings.decode(text, start, close, target, offset);
    at = close + 1;
    return length;
  }

  /** The next value, when it is a boolean. */
  boolean bool(String complaint) {
    int c = peek();
    if (c == 't' || c == 'f') {
      literal(c == 't' ? "true" : "false");
      return c == 't';
    }
    throw typeMismatch(complaint, "boolean", "boolean");
  }

  /** The next value, when it is an integer from 0 to 2^63-1. */
  long unsigned(String complaint) {
    int start = at;
    if (isNumberStart(peek())) {
      start = at;
      scanNumber();
      if (number.fitsUnsigned() && number.integer() >= 0) {
        return number.integer();
      }
    }
    at = start;
    throw typeMismatch(complaint, "unsigned-integer", "unsigned-integer");
  }

  /** The next value as String, Long, Double or Boolean, or null when it is none of them. */
  @Nullable Object scalar() {
    int c = peek();
    if (c == '"') {
      return string(false);
    }
    if (c == 't' || c == 'f') {
      return bool("");
    }
    if (!isNumberStart(c)) {
      skipValue();
      return null;
    }
    scanNumber();
    return number.fitsSigned() ? (Object) number.integer() : (Object) number.toDouble(text);
  }

  private static boolean isNumberStart(int c) {
    return (c >= '0' && c <= '9') || c == '-' || c == 'N' || c == 'I';
  }

  private void scanNumber() {
    int next = number.scan(text, at, end);
    if (next < 0) {
      throw malformed("Invalid value.");
    }
    at = next;
  }

  /** Starts a walk over the leaves of the array at the cursor, however deep they lie. */
  void enterElements(String complaint) {
    if (peek() != '[') {
      throw typeMismatch(complaint, "array", "array");
    }
    at++;
    elementDepth = 1;
    elementState = AFTER_OPEN;
  }

  /** Moves to the next leaf; false when the array has ended, and the cursor stands behind it. */
  boolean nextElement() {
    while (true) {
      int c = at < end ? text.get(at) : 0;
      switch (c) {
        case ' ', '\n', '\r', '\t' -> at++;
        case ',' -> {
          requireState(elementState == AFTER_VALUE);
          at++;
          elementState = AFTER_COMMA;
        }
        case '[' -> {
          requireState(elementState != AFTER_VALUE);
          at++;
          if (++elementDepth + depth > MAX_DEPTH) {
            throw malformed("JSON nesting depth exceeds maximum allowed limit (100)");
          }
          elementState = AFTER_OPEN;
        }
        case ']' -> {
          requireState(elementState != AFTER_COMMA);
          at++;
          elementState = AFTER_VALUE;
          if (--elementDepth == 0) {
            return false;
          }
        }
        default -> {
          requireState(elementState != AFTER_VALUE);
          elementState = AFTER_VALUE;
          return true;
        }
      }
    }
  }

  private void requireState(boolean expected) {
    if (!expected) {
      throw malformed(
          elementState == AFTER_VALUE
              ? "Missing a comma or ] after an array element."
              : "Invalid value.");
    }
  }

  /** The leaf at the cursor as a float. */
  float floatElement(String complaint) {
    int next = number.scan(text, at, end);
    if (next < 0) {
      throw typeMismatch(complaint, "number", "double");
    }
    at = next;
    return number.toFloat(text);
  }

  /**
   * Reads leaves as floats while they are plain and a comma follows; the cursor is before the next
   * leaf afterwards.
   *
   * @return how many were read into the target, from its position on
   */
  int plainFloats(ByteBuffer target) {
    int next = run.read(text, at, end, target);
    if (next != at) {
      at = next;
      elementState = AFTER_COMMA;
    }
    return run.count();
  }

  /** The leaf at the cursor as a double. */
  double doubleElement(String complaint) {
    int next = number.scan(text, at, end);
    if (next < 0) {
      throw typeMismatch(complaint, "number", "double");
    }
    at = next;
    return number.toDouble(text);
  }

  /** The leaf at the cursor as an integer of 64 bits. */
  long integerElement(boolean unsigned, String complaint) {
    int next = number.scan(text, at, end);
    if (next < 0 || !(unsigned ? number.fitsUnsigned() : number.fitsSigned())) {
      String kind = unsigned ? "unsigned-integer" : "signed-integer";
      throw typeMismatch(complaint, kind, kind);
    }
    at = next;
    return number.integer();
  }

  /** Steps over the next value, whatever it is. */
  void skipValue() {
    int c = peek();
    switch (c) {
      case '{' -> {
        for (boolean more = enter('{', '}'); more; more = more('}')) {
          key();
          skipValue();
        }
      }
      case '[' -> {
        for (boolean more = enter('[', ']'); more; more = more(']')) {
          skipValue();
        }
      }
      case '"' -> at = JsonStrings.close(text, at + 1, end) + 1;
      case 't' -> literal("true");
      case 'f' -> literal("false");
      case 'n' -> literal("null");
      default -> scanNumber();
    }
  }

  private void literal(String word) {
    for (int i = 0; i < word.length(); i++) {
      if (at + i >= end || text.get(at + i) != word.charAt(i)) {
        throw malformed("Invalid value.");
      }
    }
    at += word.length();
  }
}
