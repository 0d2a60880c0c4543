package dev.nereid.access;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks for what has changed, once a second, in a thread of its own. Thread-safe. */
final class AccessWatch implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(AccessWatch.class);
  private static final long EVERY_NANOS = TimeUnit.SECONDS.toNanos(1);

  private final List<FollowedFile> files;
  private final @Nullable KeyFetch fetch;
  private final AtomicBoolean hurried;
  private final Thread thread;
  private volatile boolean closing;

  /**
   * Begins to look.
   *
   * @param hurried set when a key for tokens is missing
   */
  AccessWatch(List<FollowedFile> files, @Nullable KeyFetch fetch, AtomicBoolean hurried) {
    this.files = List.copyOf(files);
    this.fetch = fetch;
    this.hurried = hurried;
    thread = Thread.ofPlatform().daemon().name("nereid-access").unstarted(this::run);
    thread.start();
  }

  private void run() {
    while (!closing) {
      try {
        files.forEach(FollowedFile::look);
        if (fetch != null) {
          fetch.look(hurried.get());
          hurried.set(false);
        }
      } catch (InterruptedException e) {
        return;
      } catch (RuntimeException e) {
        LOG.error("looking for changed keys failed", e);
      }
      LockSupport.parkNanos(EVERY_NANOS);
    }
  }

  /** Ends; no look is under way after this. */
  @Override
  public void close() {
    closing = true;
    thread.interrupt();
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (fetch != null) {
      fetch.close();
    }
  }
}
