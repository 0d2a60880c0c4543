package dev.nereid.app;

/** Escapes what goes into a line of the log, so that no text can look like another line. */
final class LogText {
  private static final String HEX = "0123456789abcdef";

  private LogText() {}

  /** Appends a text as it stands between the quotes of a JSON string. */
  static void escape(StringBuilder line, String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> line.append("\\\"");
        case '\\' -> line.append("\\\\");
        case '\n' -> line.append("\\n");
        case '\r' -> line.append("\\r");
        case '\t' -> line.append("\\t");
        default -> {
          if (c < ' ' || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029) {
            line.append("\\u");
            for (int shift = 12; shift >= 0; shift -= 4) {
              line.append(HEX.charAt(c >> shift & 15));
            }
          } else {
            line.append(c);
          }
        }
      }
    }
  }
}
