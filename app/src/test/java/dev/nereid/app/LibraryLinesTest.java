package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class LibraryLinesTest {
  private final AtomicLong now = new AtomicLong();
  private final LibraryLines lines = new LibraryLines(now::get);

  private static LogRecord record(String logger, Throwable thrown) {
    LogRecord line = new LogRecord(Level.SEVERE, "Exception while executing runnable");
    line.setLoggerName(logger);
    line.setThrown(thrown);
    return line;
  }

  @Test
  void anExceptionOfALibraryBecomesOneLine() {
    LogRecord line =
        record("io.grpc.internal.X", new RuntimeException(new IOException("Not gzip")));
    assertThat(lines.isLoggable(line)).isTrue();
    assertThat(line.getThrown()).isNull();
    assertThat(line.getMessage())
        .isEqualTo("Exception while executing runnable: java.io.IOException: Not gzip");
  }

  @Test
  void ofEachKindAFewAreToldInTenSeconds() {
    assertThat(told(100)).isEqualTo(3);
    assertThat(lines.isLoggable(record("io.netty.Y", new IOException("other")))).isTrue();
    now.addAndGet(TimeUnit.SECONDS.toNanos(11));
    assertThat(told(100)).isEqualTo(3);
  }

  private long told(int times) {
    return IntStream.range(0, times)
        .filter(_ -> lines.isLoggable(record("io.grpc.X", new IOException("again"))))
        .count();
  }

  @Test
  void whatWeSayOurselvesIsToldInFull() {
    LogRecord line = record("dev.nereid.scheduler.BatchRunner", new IllegalStateException());
    for (int i = 0; i < 10; i++) {
      assertThat(lines.isLoggable(line)).isTrue();
    }
    assertThat(line.getThrown()).isNotNull();
  }
}
