package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.telemetry.Counter;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AccessLogTest {
  private static final AccessLogWriter.Options OPTIONS = AccessLogWriter.Options.DEFAULT;
  private final Counter dropped = new Metrics().counter(Meter.ACCESS_LOG_DROPPED);

  private String logged(AccessLogWriter.Options options, String... headers) throws Exception {
    var out = new ByteArrayOutputStream();
    try (var log = new AccessLogWriter("test", options, out, dropped).start();
        var running = new RunningListener(RunningListener.options(), log, RunningListener::echo);
        var wire = running.connect()) {
      wire.get("/a%20b\"c?secret=1", headers).receive();
    }
    return out.toString(StandardCharsets.UTF_8);
  }

  @Test
  void writesOneTextLineForARequest() throws Exception {
    assertThat(logged(OPTIONS, "x-request-id: id-7"))
        .matches(
            "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z test 127\\.0\\.0\\.1:\\d+ GET"
                + " /a%20b\\\\\"c 200 \\d+ \\d+\\.\\d{3}ms id-7\n");
  }

  @Test
  void writesOneJsonObjectForARequest() throws Exception {
    assertThat(logged(OPTIONS.in(AccessLogWriter.Format.JSON)))
        .matches(
            "\\{\"time\":\"[^\"]+Z\",\"listener\":\"test\",\"client\":\"127.0.0.1:\\d+\","
                + "\"method\":\"GET\",\"path\":\"/a%20b\\\\\"c\",\"status\":200,"
                + "\"bytes_in\":0,\"bytes\":\\d+,\"ms\":\\d+\\.\\d{3}}\n");
  }

  @Test
  void writesNothingWhenItIsOff() throws Exception {
    assertThat(logged(OPTIONS.in(AccessLogWriter.Format.OFF))).isEmpty();
  }

  @Test
  void tellsSlowRequestsWhateverTheFormat() throws Exception {
    List<String> told = new ArrayList<>();
    Logger logger = Logger.getLogger("dev.nereid.slow");
    Handler handler =
        new Handler() {
          @Override
          public void publish(LogRecord entry) {
            told.add(entry.getMessage());
          }

          @Override
          public void flush() {}

          @Override
          public void close() {}
        };
    logger.addHandler(handler);
    try {
      logged(new AccessLogWriter.Options(AccessLogWriter.Format.OFF, Duration.ofNanos(1), 16));
    } finally {
      logger.removeHandler(handler);
    }
    assertThat(told).hasSize(1);
    assertThat(told.getFirst()).contains("test: GET /a%20b\\\"c took ");
  }

  @Test
  void dropsAndCountsLinesWhenTheWriterFallsBehind() throws Exception {
    var out = new ByteArrayOutputStream();
    var options = new AccessLogWriter.Options(AccessLogWriter.Format.TEXT, Duration.ZERO, 4);
    var log = new AccessLogWriter("test", options, out, dropped); // not started yet
    try (var running = new RunningListener(RunningListener.options(), log, RunningListener::echo);
        var wire = running.connect()) {
      for (int i = 0; i < 7; i++) {
        wire.get("/").receive();
      }
    }
    assertThat(dropped.total()).isEqualTo(3);
    log.start().close();
    assertThat(out.toString(StandardCharsets.UTF_8).lines()).hasSize(4);
  }

  @Test
  void aFullDiskCostsLinesThatAreCountedUntilThereIsRoomAgain() throws Exception {
    var full = new AtomicBoolean(true);
    var out =
        new ByteArrayOutputStream() {
          @Override
          public void write(byte[] bytes) throws IOException {
            if (full.get()) {
              throw new IOException("No space left on device");
            }
            super.write(bytes);
          }
        };
    try (var log = new AccessLogWriter("test", OPTIONS, out, dropped).start();
        var running = new RunningListener(RunningListener.options(), log, RunningListener::echo);
        var wire = running.connect()) {
      wire.get("/lost").receive();
      long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
      while (dropped.total() == 0 && System.nanoTime() < end) {
        LockSupport.parkNanos(1_000_000);
      }
      full.set(false);
      wire.get("/kept").receive();
    }
    assertThat(dropped.total()).isEqualTo(1);
    assertThat(out.toString(StandardCharsets.UTF_8)).contains(" /kept ").hasLineCount(1);
  }

  @Test
  void appendsToAFile(@TempDir Path directory) throws Exception {
    Path file = directory.resolve("access.log");
    for (int i = 0; i < 2; i++) {
      try (var log =
              new AccessLogWriter("test", OPTIONS, AccessLogWriter.file(file), dropped).start();
          var running = new RunningListener(RunningListener.options(), log, RunningListener::echo);
          var wire = running.connect()) {
        wire.get("/").receive();
      }
    }
    assertThat(Files.readAllLines(file)).hasSize(2);
  }

  @Test
  void queueLosesNothingBetweenManyThreads() throws Exception {
    var queue = new LineQueue<Integer>(64);
    int producers = 4;
    int each = 5_000;
    var refused = new AtomicInteger();
    List<Thread> threads = new ArrayList<>();
    for (int p = 0; p < producers; p++) {
      int base = p * each;
      threads.add(
          Thread.ofPlatform()
              .start(
                  () -> {
                    for (int i = 0; i < each; i++) {
                      while (!queue.offer(base + i)) {
                        refused.incrementAndGet();
                        LockSupport.parkNanos(1000);
                      }
                    }
                  }));
    }
    int[] next = new int[producers];
    for (int taken = 0; taken < producers * each; ) {
      Integer item = queue.poll();
      if (item != null) {
        assertThat(item % each).isEqualTo(next[item / each]++);
        taken++;
      }
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(queue.poll()).isNull();
  }
}
