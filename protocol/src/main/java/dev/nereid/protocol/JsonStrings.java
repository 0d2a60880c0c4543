package dev.nereid.protocol;

import java.nio.ByteBuffer;

/** JSON strings in off-heap bytes: where they end, and what they say in UTF-8. */
final class JsonStrings {
  private static final long QUOTES = 0x2222222222222222L;
  private static final long BACKSLASHES = 0x5C5C5C5C5C5C5C5CL;
  private static final long ONES = 0x0101010101010101L;
  private static final long HIGH_BITS = 0x8080808080808080L;
  private static final long SPACES = 0x2020202020202020L;

  private JsonStrings() {}

  /** The index of the first byte that is a quote, an escape, a control character or not ASCII. */
  static int endOfPlain(ByteBuffer text, int start, int end) {
    int at = start;
    while (at + 8 <= end && isPlain(text.getLong(at))) {
      at += 8;
    }
    while (at < end) {
      int c = text.get(at);
      if (c < ' ' || c == '"' || c == '\\') {
        return at;
      }
      at++;
    }
    return end;
  }

  /** Whether none of eight bytes ends a run of plain characters; may err to the safe side. */
  private static boolean isPlain(long word) {
    long quote = word ^ QUOTES;
    long escape = word ^ BACKSLASHES;
    long found = (quote - ONES & ~quote) | (escape - ONES & ~escape) | (word - SPACES) | word;
    return (found & HIGH_BITS) == 0;
  }

  /**
   * The index of the closing quote of a string whose content starts here. Checks its escapes,
   * control characters and encoding.
   */
  static int close(ByteBuffer text, int start, int end) {
    int at = start;
    while (true) {
      at = endOfPlain(text, at, end);
      if (at >= end) {
        throw JsonCursor.malformed("Missing a closing quotation mark in string.", start - 1);
      }
      int c = text.get(at);
      if (c == '"') {
        return at;
      }
      if (c == '\\') {
        at += escapeLength(text, at, end);
      } else if (c >= 0) {
        throw JsonCursor.malformed("Invalid control character in string.", at);
      } else {
        at += sequenceLength(text, at, end);
      }
    }
  }

  private static int escapeLength(ByteBuffer text, int at, int end) {
    int c = at + 1 < end ? text.get(at + 1) : 0;
    return switch (c) {
      case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> 2;
      case 'u' -> unicodeLength(text, at, end);
      default -> throw JsonCursor.malformed("Invalid escape character in string.", at);
    };
  }

  private static int unicodeLength(ByteBuffer text, int at, int end) {
    int unit = hex(text, at + 2, end);
    if (!Character.isSurrogate((char) unit)) {
      return 6;
    }
    boolean pair =
        Character.isHighSurrogate((char) unit)
            && at + 7 < end
            && text.get(at + 6) == '\\'
            && text.get(at + 7) == 'u';
    if (!pair || !Character.isLowSurrogate((char) hex(text, at + 8, end))) {
      throw JsonCursor.malformed("The surrogate pair in string is invalid.", at);
    }
    return 12;
  }

  private static int hex(ByteBuffer text, int at, int end) {
    int value = 0;
    for (int i = at; i < at + 4; i++) {
      int digit = i < end ? Character.digit(text.get(i), 16) : -1;
      if (digit < 0) {
        throw JsonCursor.malformed("Incorrect hex digit after \\u escape in string.", i);
      }
      value = value << 4 | digit;
    }
    return value;
  }

  /** The length of a UTF-8 sequence of more than one byte. */
  private static int sequenceLength(ByteBuffer text, int at, int end) {
    int length = validSequence(text, at, end);
    if (length == 0) {
      throw JsonCursor.malformed("Invalid encoding in string.", at);
    }
    return length;
  }

  /** The length of the UTF-8 sequence that starts here with a byte above 127; 0 if it is none. */
  private static int validSequence(ByteBuffer text, int at, int end) {
    int lead = text.get(at) & 0xFF;
    int length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    int second = at + 1 < end ? text.get(at + 1) & 0xFF : 0;
    int least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    int greatest = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    boolean valid = lead >= 0xC2 && lead <= 0xF4 && second >= least && second <= greatest;
    for (int i = at + 2; i < at + length; i++) {
      valid &= i < end && (text.get(i) & 0xC0) == 0x80;
    }
    return valid ? length : 0;
  }

  /** Whether these bytes are UTF-8. */
  static boolean isUtf8(ByteBuffer text, int start, int end) {
    int at = start;
    while (at < end) {
      int length = text.get(at) >= 0 ? 1 : validSequence(text, at, end);
      if (length == 0) {
        return false;
      }
      at += length;
    }
    return true;
  }

  /**
   * Writes what a string says that {@link #close} has found well-formed.
   *
   * @return the number of bytes written
   */
  static int decode(ByteBuffer text, int start, int close, ByteBuffer target, int offset) {
    int at = start;
    int to = offset;
    while (at < close) {
      int c = text.get(at);
      if (c != '\\') {
        target.put(to++, (byte) c);
        at++;
        continue;
      }
      int escape = text.get(at + 1);
      if (escape == 'u') {
        int length = escapeLength(text, at, close);
        to = putCodePoint(codePoint(text, at, length, close), target, to);
        at += length;
      } else {
        target.put(to++, (byte) plain(escape));
        at += 2;
      }
    }
    return to - offset;
  }

  private static int codePoint(ByteBuffer text, int at, int length, int end) {
    char first = (char) hex(text, at + 2, end);
    return length == 6 ? first : Character.toCodePoint(first, (char) hex(text, at + 8, end));
  }

  private static int plain(int escape) {
    return switch (escape) {
      case 'b' -> '\b';
      case 'f' -> '\f';
      case 'n' -> '\n';
      case 'r' -> '\r';
      case 't' -> '\t';
      default -> escape;
    };
  }

  private static int putCodePoint(int point, ByteBuffer target, int offset) {
    int to = offset;
    if (point < 0x80) {
      target.put(to++, (byte) point);
    } else if (point < 0x800) {
      target.put(to++, (byte) (0xC0 | point >> 6));
      target.put(to++, (byte) (0x80 | (point & 0x3F)));
    } else if (point < 0x10000) {
      target.put(to++, (byte) (0xE0 | point >> 12));
      target.put(to++, (byte) (0x80 | (point >> 6 & 0x3F)));
      target.put(to++, (byte) (0x80 | (point & 0x3F)));
    } else {
      target.put(to++, (byte) (0xF0 | point >> 18));
      target.put(to++, (byte) (0x80 | (point >> 12 & 0x3F)));
      target.put(to++, (byte) (0x80 | (point >> 6 & 0x3F)));
      target.put(to++, (byte) (0x80 | (point & 0x3F)));
    }
    return to;
  }
}
