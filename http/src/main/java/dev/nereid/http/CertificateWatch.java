package dev.nereid.http;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the files of every listener's TLS again and again, in a thread of its own. It reads them
 * rather than wait for the system to tell: that works on every file system, and through the links
 * that Kubernetes swaps. Thread-safe.
 */
public final class CertificateWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CertificateWatch.class);

  private final List<ListenerTls> watched;
  private final long everyNanos;
  private final CountDownLatch closing = new CountDownLatch(1);
  private final Thread thread;

  /** Begins to look, for the first time after that long. */
  public CertificateWatch(List<ListenerTls> watched, Duration every) {
    this.watched = List.copyOf(watched);
    this.everyNanos = every.toNanos();
    thread = Thread.ofPlatform().daemon().name("nereid-certificates").start(this::run);
  }

  private void run() {
    try {
      while (!closing.await(everyNanos, TimeUnit.NANOSECONDS)) {
        watched.forEach(CertificateWatch::look);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static void look(ListenerTls tls) {
    try {
      var _ = tls.look();
    } catch (RuntimeException e) {
      LOG.error("looking at TLS files failed", e);
    }
  }

  /** Ends; no look is under way after this. */
  @Override
  public void close() {
    closing.countDown();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
