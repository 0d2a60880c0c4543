package dev.nereid.core;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import java.lang.ref.PhantomReference;
import java.lang.ref.Reference;
import java.lang.ref.ReferenceQueue;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.locks.LockSupport;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Fails every test class after which Netty reports a buffer that was forgotten without being
 * released. JUnit finds it through {@code META-INF/services}, in this room and in all that use its
 * test jar. Netty must be told to watch every buffer, as the build does, and its reports must reach
 * java.util.logging, as they do with slf4j-jdk14 and with no binding of SLF4J at all.
 */
public final class LeakGate implements BeforeAllCallback, AfterAllCallback {
  private static final String DETECTOR = "io.netty.util.ResourceLeakDetector";

  /** Held here, since java.util.logging forgets loggers that nobody holds. */
  private static final Logger LOGGER = Logger.getLogger(DETECTOR);

  /** What was collected together is enqueued one after the other. */
  private static final long ENQUEUING_NANOS = 2_000_000;

  private static final List<String> REPORTS = new CopyOnWriteArrayList<>();

  static {
    LOGGER.addHandler(new Listener());
  }

  @Override
  public void beforeAll(ExtensionContext context) {
    // Loading this class is all that is needed: it listens from then on.
  }

  @Override
  public void afterAll(ExtensionContext context) throws InterruptedException {
    if (context.getParent().filter(parent -> parent.getTestClass().isPresent()).isPresent()) {
      return; // a nested class: its outer one is asked
    }
    List<String> reports = reports();
    if (!reports.isEmpty()) {
      throw new AssertionError(context.getDisplayName() + " leaks:\n" + String.join("\n", reports));
    }
  }

  /** What has been forgotten until now; each report is told once. */
  static List<String> reports() throws InterruptedException {
    collect();
    for (int i = 0; i < 2; i++) {
      // Netty tells of what it found when it hands out the next buffer that it watches.
      for (int j = 0; j < 4; j++) {
        ByteBuf buffer = ByteBufAllocator.DEFAULT.directBuffer(1);
        buffer.release();
      }
      LockSupport.parkNanos(ENQUEUING_NANOS);
    }
    List<String> reports = List.copyOf(REPORTS);
    REPORTS.clear();
    return reports;
  }

  /** Returns when the garbage collector has found what nobody holds. */
  private static void collect() throws InterruptedException {
    ReferenceQueue<Object> found = new ReferenceQueue<>();
    PhantomReference<Object> forgotten = new PhantomReference<>(new Object(), found);
    try {
      System.gc();
      found.remove(1000);
    } finally {
      Reference.reachabilityFence(forgotten);
    }
  }

  /** Keeps what Netty's detector says. */
  private static final class Listener extends Handler {
    @Override
    public void publish(LogRecord record) {
      String message = String.valueOf(record.getMessage());
      if (message.contains("LEAK:")) {
        REPORTS.add(message);
      }
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
