package dev.nereid.config;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;

/**
 * Where in a configuration text a parser stopped.
 *
 * @param blocks names of the fields whose blocks are open there, outermost first
 * @param field the last field name before the place, in the innermost block; may be empty
 * @param inValue whether a value of that field stands at the place
 * @param inList whether the place is inside the field's list brackets
 * @param token what stands at the place; empty at the end of the text
 */
record TextPosition(
    List<String> blocks, String field, boolean inValue, boolean inList, String token) {

  /** The open blocks in dotted form; empty at the top level. */
  String blockPath() {
    return String.join(".", blocks);
  }

  /** The place at a line and column, both counted from 1. */
  static TextPosition at(String text, int line, int column) {
    int start = 0;
    for (int n = 1; n < line; n++) {
      int end = text.indexOf('\n', start);
      if (end < 0) {
        break;
      }
      start = end + 1;
    }
    return new Walk(text).to(Math.min(text.length(), start + column - 1));
  }

  /** Follows the text from its beginning, as far as nesting of blocks and lists goes. */
  private static final class Walk {
    private record Outer(String field, boolean inList) {}

    private final String text;
    private final Deque<Outer> outer = new ArrayDeque<>();
    private int at;
    private String field = "";
    private boolean inValue;
    private boolean inList;

    Walk(String text) {
      this.text = text;
    }

    TextPosition to(int target) {
      skipBlank();
      while (at < target) {
        int end = tokenEnd(at);
        take(text.substring(at, end));
        at = end;
        skipBlank();
      }
      List<String> blocks = new ArrayList<>();
      outer.forEach(o -> blocks.add(o.field));
      Collections.reverse(blocks);
      String token = at >= text.length() ? "" : text.substring(at, tokenEnd(at));
      return new TextPosition(List.copyOf(blocks), field, inValue, inList, token);
    }

    private void take(String token) {
      switch (token.charAt(0)) {
        case ':' -> inValue = true;
        case '[' -> {
          inList = true;
          inValue = true;
        }
        case ']' -> {
          inList = false;
          inValue = false;
        }
        case '{', '<' -> {
          outer.push(new Outer(field, inList));
          field = "";
          inList = false;
          inValue = false;
        }
        case '}', '>' -> {
          Outer block = outer.isEmpty() ? new Outer("", false) : outer.pop();
          field = block.field;
          inList = block.inList;
          inValue = inList;
        }
        default -> {
          if (!inValue && isWord(token.charAt(0))) {
            field = token;
          } else {
            inValue = inList;
          }
        }
      }
    }

    private void skipBlank() {
      while (at < text.length()) {
        char c = text.charAt(at);
        if (c == '#') {
          int end = text.indexOf('\n', at);
          at = end < 0 ? text.length() : end;
        } else if (Character.isWhitespace(c)) {
          at++;
        } else {
          return;
        }
      }
    }

    private int tokenEnd(int start) {
      char first = text.charAt(start);
      int end = start + 1;
      if (first == '"' || first == '\'') {
        while (end < text.length() && text.charAt(end) != first && text.charAt(end) != '\n') {
          end += text.charAt(end) == '\\' ? 2 : 1;
        }
        return Math.min(text.length(), end + 1);
      }
      while (isWord(first) && end < text.length() && isWord(text.charAt(end))) {
        end++;
      }
      return end;
    }

    private static boolean isWord(char c) {
      return Character.isLetterOrDigit(c) || c == '_' || c == '.' || c == '+' || c == '-';
    }
  }
}
