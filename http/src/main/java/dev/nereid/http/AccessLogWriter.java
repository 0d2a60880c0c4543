package dev.nereid.http;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.telemetry.Counter;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes the access log and the slow-request log of one listener in a thread of its own, some times
 * a second. Event loops only put lines into a bounded queue; when the writer falls behind, lines
 * are dropped and counted. Thread-safe.
 */
public final class AccessLogWriter implements AccessLog, AutoCloseable {
  private static final Logger SLOW = LoggerFactory.getLogger("dev.nereid.slow");
  private static final Logger LOG = LoggerFactory.getLogger(AccessLogWriter.class);
  private static final int CAPACITY = 1 << 15;
  private static final int CHUNK = 32 << 10;
  private static final int SLOW_LINES_PER_SECOND = 10;
  private static final long ROUND_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private final LineQueue<AccessLine> queue;
  private final AccessFormat format;
  private final boolean lines;
  private final OutputStream out;
  private final long slowNanos;
  private final Counter dropped;
  private final String listener;
  private final Thread writer;
  private final AtomicBoolean closing = new AtomicBoolean();
  private boolean broken; // confined: writer thread
  private long slowSecond; // confined: writer thread
  private int slowInSecond; // confined: writer thread

  /** What a line looks like. */
  public enum Format {
    /** No lines; slow requests are still told. */
    OFF,
    /** Fields with blanks between. */
    TEXT,
    /** One JSON object to a line. */
    JSON
  }

  /**
   * What to write.
   *
   * @param slow requests that took longer are told in the server's own log; zero for none
   * @param capacity lines that may wait, a power of two
   */
  public record Options(Format format, Duration slow, int capacity) {
    /** Text, and slow from 100 ms on. */
    public static final Options DEFAULT =
        new Options(Format.TEXT, Duration.ofMillis(100), CAPACITY);

    /** These options in another format. */
    public Options in(Format other) {
      return new Options(other, slow, capacity);
    }
  }

  /**
   * A log that writes to a stream and closes it in the end.
   *
   * @param dropped counts the lines that are lost
   */
  public AccessLogWriter(String listener, Options options, OutputStream out, Counter dropped) {
    this.listener = listener;
    this.queue = new LineQueue<>(options.capacity());
    this.format = new AccessFormat(options.format() == Format.JSON, listener);
    this.lines = options.format() != Format.OFF;
    this.slowNanos = options.slow().isZero() ? Long.MAX_VALUE : options.slow().toNanos();
    this.out = out;
    this.dropped = dropped;
    this.writer =
        Thread.ofPlatform().daemon().name("nereid-access-log-" + listener).unstarted(this::run);
  }

  /** A stream that appends to a file, for a log. */
  public static OutputStream file(Path path) {
    try {
      return Files.newOutputStream(path, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with("access log " + path + ": cannot be written: " + e), e);
    }
  }

  /** A stream that writes to the standard output, for a log. */
  public static OutputStream standardOutput() {
    return new FileOutputStream(FileDescriptor.out) {
      @Override
      public void close() {} // stays open for others
    };
  }

  /** Begins to write. */
  public AccessLogWriter start() {
    writer.start();
    return this;
  }

  @Override
  public boolean wants(long nanos) {
    return lines || nanos >= slowNanos;
  }

  @Override
  public void add(AccessLine line) {
    if (!queue.offer(line)) {
      dropped.increment();
    }
  }

  /** Writes what is waiting, then ends. */
  @Override
  public void close() {
    if (closing.compareAndSet(false, true)) {
      LockSupport.unpark(writer);
      try {
        writer.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void run() {
    StringBuilder text = new StringBuilder(CHUNK + 1024);
    boolean last = false;
    while (!last) {
      last = closing.get();
      writeWaiting(text);
      if (!last) {
        LockSupport.parkNanos(ROUND_NANOS);
      }
    }
    try {
      out.close();
    } catch (IOException e) {
      LOG.warn("access log of {}: cannot be closed", listener, e);
    }
  }

  private void writeWaiting(StringBuilder text) {
    for (AccessLine line = queue.poll(); line != null; line = queue.poll()) {
      if (lines) {
        format.append(text, line);
      }
      if (line.nanos() >= slowNanos) {
        tellSlow(line);
      }
      if (text.length() >= CHUNK) {
        write(text);
      }
    }
    write(text);
  }

  private void write(StringBuilder text) {
    if (text.isEmpty()) {
      return;
    }
    try {
      out.write(text.toString().getBytes(StandardCharsets.UTF_8));
      out.flush();
      if (broken) {
        broken = false;
        LOG.info("access log of {}: can be written again", listener);
      }
    } catch (IOException e) {
      dropped.add(text.chars().filter(character -> character == '\n').count());
      if (!broken) {
        broken = true;
        LOG.error("access log of {}: cannot be written, its lines are lost", listener, e);
      }
    }
    text.setLength(0);
  }

  private void tellSlow(AccessLine line) {
    long second = line.millis() / 1000;
    if (second != slowSecond) {
      if (slowInSecond > SLOW_LINES_PER_SECOND) {
        SLOW.warn("{}: {} more slow requests", listener, slowInSecond - SLOW_LINES_PER_SECOND);
      }
      slowSecond = second;
      slowInSecond = 0;
    }
    if (++slowInSecond <= SLOW_LINES_PER_SECOND) {
      StringBuilder text = new StringBuilder(160);
      format.appendSlow(text, line);
      SLOW.warn("{}", text);
    }
  }
}
