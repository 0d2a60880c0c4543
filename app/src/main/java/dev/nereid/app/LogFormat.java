package dev.nereid.app;

import java.time.ZoneOffset;
import java.util.logging.Formatter;
import org.jspecify.annotations.Nullable;

/** The form of a line of the log. */
enum LogFormat {
  /** Triton's. */
  DEFAULT("default"),
  /** Triton's, with a full date in front. */
  ISO8601("ISO8601"),
  /** One JSON object to a line. */
  JSON("json");

  private final String typed;

  LogFormat(String typed) {
    this.typed = typed;
  }

  /** The name as typed. */
  String typed() {
    return typed;
  }

  /** The form of that name; null when there is none. */
  static @Nullable LogFormat named(String typed) {
    for (LogFormat format : values()) {
      if (format.typed.equals(typed)) {
        return format;
      }
    }
    return null;
  }

  /** What writes lines of this form, in the name of that process. */
  Formatter formatter(long process) {
    return switch (this) {
      case DEFAULT -> new LogLines(false, process, ZoneOffset.UTC);
      case ISO8601 -> new LogLines(true, process, ZoneOffset.UTC);
      case JSON -> new JsonLogLines(process);
    };
  }
}
