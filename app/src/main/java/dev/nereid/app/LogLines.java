package dev.nereid.app;

import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.logging.Formatter;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.jspecify.annotations.Nullable;

/**
 * Writes log records in Triton's form: {@code I1120 08:00:00.123456 4711 engine.Loader] "text"},
 * with the class that speaks in the place of file and line, or with a full date in front.
 * Thread-safe.
 */
final class LogLines extends Formatter {
  private static final DateTimeFormatter SHORT =
      DateTimeFormatter.ofPattern("MMdd HH:mm:ss.SSSSSS");
  private static final DateTimeFormatter ISO8601 =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'");
  private static final String OURS = "dev.nereid.";

  private final boolean iso8601;
  private final long process;
  private final ZoneId zone;

  LogLines(boolean iso8601, long process, ZoneId zone) {
    this.iso8601 = iso8601;
    this.process = process;
    this.zone = zone;
  }

  @Override
  public String format(LogRecord record) {
    StringBuilder line = new StringBuilder(160);
    char letter = letter(record.getLevel());
    if (iso8601) {
      line.append(ISO8601.format(record.getInstant().atZone(ZoneOffset.UTC)));
      line.append(' ').append(letter).append(' ');
    } else {
      Instant instant = record.getInstant();
      line.append(letter).append(SHORT.format(instant.atZone(zone))).append(' ');
    }
    line.append(process).append(' ').append(source(record.getLoggerName())).append("] \"");
    LogText.escape(line, formatMessage(record));
    line.append("\"\n");
    for (Throwable cause = record.getThrown(); cause != null; cause = cause.getCause()) {
      trace(line, cause);
    }
    return line.toString();
  }

  private static char letter(Level level) {
    if (level.intValue() >= Level.SEVERE.intValue()) {
      return 'E';
    }
    if (level.intValue() >= Level.WARNING.intValue()) {
      return 'W';
    }
    return 'I';
  }

  private static String source(@Nullable String logger) {
    if (logger == null || logger.isEmpty()) {
      return "nereid";
    }
    return logger.startsWith(OURS)
        ? logger.substring(OURS.length())
        : logger.substring(logger.lastIndexOf('.') + 1);
  }

  private static void trace(StringBuilder line, Throwable thrown) {
    line.append("  ");
    LogText.escape(line, thrown.toString());
    line.append('\n');
    for (StackTraceElement frame : thrown.getStackTrace()) {
      line.append("    at ").append(frame).append('\n');
    }
  }
}
