package dev.nereid.app;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Reads the values that Ultralytics writes into ONNX metadata, which are Python's literals: {@code
 * {0: 'person', 1: "child's seat"}} and {@code [640, 640]}.
 */
final class PythonLiteral {
  private final String text;
  private int at;

  private PythonLiteral(String text) {
    this.text = text;
  }

  /**
   * The values of a dictionary with whole numbers for keys, in the order of the keys.
   *
   * @throws IllegalArgumentException when the text is something else
   */
  static List<String> names(String text) {
    PythonLiteral literal = new PythonLiteral(text);
    Map<Long, String> byIndex = new TreeMap<>();
    literal.expect('{');
    while (!literal.accept('}')) {
      long key = literal.number();
      literal.expect(':');
      byIndex.put(key, literal.string());
      literal.accept(',');
    }
    return List.copyOf(byIndex.values());
  }

  /**
   * The whole numbers of a list.
   *
   * @throws IllegalArgumentException when the text is something else
   */
  static List<Long> numbers(String text) {
    PythonLiteral literal = new PythonLiteral(text);
    List<Long> numbers = new ArrayList<>();
    literal.expect('[');
    while (!literal.accept(']')) {
      numbers.add(literal.number());
      literal.accept(',');
    }
    return numbers;
  }

  private long number() {
    skipBlank();
    int start = at;
    while (at < text.length() && Character.isDigit(text.charAt(at))) {
      at++;
    }
    if (start == at) {
      throw refusal("a whole number");
    }
    return Long.parseLong(text, start, at, 10);
  }

  private String string() {
    skipBlank();
    char quote = at < text.length() ? text.charAt(at) : ' ';
    if (quote != '\'' && quote != '"') {
      throw refusal("a quoted text");
    }
    at++;
    StringBuilder value = new StringBuilder();
    while (at < text.length() && text.charAt(at) != quote) {
      if (text.charAt(at) == '\\' && at + 1 < text.length()) {
        at++;
      }
      value.append(text.charAt(at++));
    }
    expect(quote);
    return value.toString();
  }

  private boolean accept(char wanted) {
    skipBlank();
    if (at < text.length() && text.charAt(at) == wanted) {
      at++;
      return true;
    }
    return false;
  }

  private void expect(char wanted) {
    if (!accept(wanted)) {
      throw refusal("'" + wanted + "'");
    }
  }

  private void skipBlank() {
    while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
      at++;
    }
  }

  private IllegalArgumentException refusal(String expected) {
    return new IllegalArgumentException(
        "'" + text + "', position " + at + " (expected: " + expected + ")");
  }
}
