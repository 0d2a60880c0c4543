package dev.nereid.app;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.format.DateTimeFormatter;
import java.util.logging.Formatter;
import java.util.logging.Level;
import java.util.logging.LogRecord;

/**
 * Writes log records as JSON, one object to a line: {@code time}, {@code level}, {@code process},
 * {@code logger}, {@code message}, and {@code error} with the stack where something was thrown.
 * Thread-safe.
 */
final class JsonLogLines extends Formatter {
  private final long process;

  JsonLogLines(long process) {
    this.process = process;
  }

  @Override
  public String format(LogRecord record) {
    StringBuilder line = new StringBuilder(240);
    line.append("{\"time\":\"");
    line.append(DateTimeFormatter.ISO_INSTANT.format(record.getInstant()));
    line.append("\",\"level\":\"").append(level(record.getLevel()));
    line.append("\",\"process\":").append(process).append(",\"logger\":\"");
    LogText.escape(line, String.valueOf(record.getLoggerName()));
    line.append("\",\"message\":\"");
    LogText.escape(line, formatMessage(record));
    Throwable thrown = record.getThrown();
    if (thrown != null) {
      StringWriter stack = new StringWriter();
      thrown.printStackTrace(new PrintWriter(stack));
      line.append("\",\"error\":\"");
      LogText.escape(line, stack.toString());
    }
    return line.append("\"}\n").toString();
  }

  private static String level(Level level) {
    int value = level.intValue();
    if (value >= Level.SEVERE.intValue()) {
      return "ERROR";
    }
    if (value >= Level.WARNING.intValue()) {
      return "WARNING";
    }
    return value >= Level.INFO.intValue() ? "INFO" : "VERBOSE";
  }
}
