package dev.nereid.http;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads header values of the form {@code value; name=text; name="quoted"}. */
final class PartHeaders {
  private PartHeaders() {}

  /** What stands before the first semicolon, in lower case. */
  static String mainValue(String value) {
    int semicolon = value.indexOf(';');
    String main = semicolon < 0 ? value : value.substring(0, semicolon);
    return main.strip().toLowerCase(Locale.ROOT);
  }

  /** The parameter of that name, unquoted, or null. */
  static @Nullable String parameter(String value, String name) {
    int at = value.indexOf(';');
    while (at >= 0 && at < value.length()) {
      int equals = value.indexOf('=', at);
      if (equals < 0) {
        return null;
      }
      String found = value.substring(at + 1, equals).strip();
      StringBuilder text = new StringBuilder();
      at = readValue(value, equals + 1, text);
      if (found.equalsIgnoreCase(name)) {
        return text.toString();
      }
      at = value.indexOf(';', at);
    }
    return null;
  }

  /** The file's name in a disposition, {@code filename*} before {@code filename}, or null. */
  static @Nullable String fileName(String disposition) {
    String extended = parameter(disposition, "filename*");
    if (extended != null && extended.regionMatches(true, 0, "utf-8'", 0, 6)) {
      int quote = extended.indexOf('\'', 6);
      if (quote >= 0) {
        return percentDecoded(extended.substring(quote + 1));
      }
    }
    return parameter(disposition, "filename");
  }

  private static int readValue(String value, int start, StringBuilder text) {
    int at = start;
    while (at < value.length() && value.charAt(at) == ' ') {
      at++;
    }
    if (at == value.length() || value.charAt(at) != '"') {
      int end = value.indexOf(';', at);
      text.append(value, at, end < 0 ? value.length() : end);
      text.setLength(text.toString().stripTrailing().length());
      return end < 0 ? value.length() : end;
    }
    for (at++; at < value.length() && value.charAt(at) != '"'; at++) {
      boolean escaped =
          value.charAt(at) == '\\'
              && at + 1 < value.length()
              && (value.charAt(at + 1) == '"' || value.charAt(at + 1) == '\\');
      text.append(value.charAt(escaped ? ++at : at));
    }
    return Math.min(at + 1, value.length());
  }

  private static String percentDecoded(String text) {
    byte[] bytes = new byte[text.length()];
    int length = 0;
    for (int i = 0; i < text.length(); i++) {
      int value = text.charAt(i) == '%' && i + 2 < text.length() ? hex(text, i + 1) : -1;
      if (value >= 0) {
        i += 2;
      } else {
        value = text.charAt(i);
      }
      bytes[length++] = (byte) value;
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }

  private static int hex(String text, int at) {
    int high = Character.digit(text.charAt(at), 16);
    int low = Character.digit(text.charAt(at + 1), 16);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
  }
}
