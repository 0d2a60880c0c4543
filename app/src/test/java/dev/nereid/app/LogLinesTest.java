package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Instant;
import java.time.ZoneOffset;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import org.junit.jupiter.api.Test;

final class LogLinesTest {
  private static LogRecord record(Level level, String logger, String text) {
    LogRecord record = new LogRecord(level, text);
    record.setLoggerName(logger);
    record.setInstant(Instant.parse("2026-11-20T08:00:00.123456Z"));
    return record;
  }

  @Test
  void aLineHasTritonsForm() {
    var lines = new LogLines(false, 4711, ZoneOffset.UTC);
    assertThat(lines.format(record(Level.INFO, "dev.nereid.engine.Loader", "loaded 'm'")))
        .isEqualTo("I1120 08:00:00.123456 4711 engine.Loader] \"loaded 'm'\"\n");
    assertThat(lines.format(record(Level.WARNING, "io.netty.Channel", "late")))
        .isEqualTo("W1120 08:00:00.123456 4711 Channel] \"late\"\n");
  }

  @Test
  void aLineMayBeginWithTheFullDate() {
    var lines = new LogLines(true, 4711, ZoneOffset.UTC);
    assertThat(lines.format(record(Level.SEVERE, "dev.nereid.app.Serve", "no")))
        .isEqualTo("2026-11-20T08:00:00.123456Z E 4711 app.Serve] \"no\"\n");
  }

  @Test
  void aTextOfSeveralLinesStaysOneRecord() {
    var lines = new LogLines(false, 1, ZoneOffset.UTC);
    assertThat(lines.format(record(Level.INFO, "x", "a\nb"))).endsWith("] \"a\\nb\"\n");
  }

  @Test
  void noTextCanLookLikeAnotherLineOrWriteToATerminal() {
    var lines = new LogLines(false, 1, ZoneOffset.UTC);
    assertThat(lines.format(record(Level.INFO, "x", "a\u001b[2J\"\\\u0085b\u00e4")))
        .endsWith("] \"a\\u001b[2J\\\"\\\\\\u0085b\u00e4\"\n");
    LogRecord record = record(Level.SEVERE, "x", "no");
    record.setThrown(new IllegalStateException("a\nE1120 b"));
    assertThat(lines.format(record)).contains("IllegalStateException: a\\nE1120 b\n");
  }

  @Test
  void aLineMayBeJson() {
    LogRecord record = record(Level.WARNING, "dev.nereid.http.HttpConnection", "say \"a\nb\"");
    record.setThrown(new IllegalStateException("outer"));
    String line = new JsonLogLines(4711).format(record);
    assertThat(line)
        .startsWith(
            "{\"time\":\"2026-11-20T08:00:00.123456Z\",\"level\":\"WARNING\",\"process\":4711,"
                + "\"logger\":\"dev.nereid.http.HttpConnection\",\"message\":\"say \\\"a\\nb\\\"\","
                + "\"error\":\"java.lang.IllegalStateException: outer\\n\\tat ")
        .endsWith("\"}\n")
        .hasLineCount(1);
  }

  @Test
  void aThrownCauseIsTold() {
    LogRecord record = record(Level.SEVERE, "x", "no");
    record.setThrown(new IllegalStateException("outer", new RuntimeException("inner")));
    assertThat(new LogLines(false, 1, ZoneOffset.UTC).format(record))
        .contains("IllegalStateException: outer", "RuntimeException: inner", "    at ");
  }
}
