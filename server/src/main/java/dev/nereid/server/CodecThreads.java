package dev.nereid.server;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

/**
 * Threads for what event loops and model instances must not do: reading and writing long JSON
 * texts, packing and unpacking bodies, picking classes. One to a core. What waits for them is
 * bounded by the listeners' limits on requests in flight. Thread-safe.
 */
public final class CodecThreads implements AutoCloseable {
  private static final long CLOSE_SECONDS = 5;

  private final ExecutorService threads;

  /** That many threads; 0 for one to a core. */
  public CodecThreads(int count) {
    int number = count == 0 ? Runtime.getRuntime().availableProcessors() : count;
    threads =
        Executors.newFixedThreadPool(
            number, Thread.ofPlatform().daemon().name("nereid-codec-", 0).factory());
  }

  /**
   * Hands work over; false once the threads have ended, and then nothing has happened.
   *
   * @param work must not throw
   */
  boolean execute(Runnable work) {
    try {
      threads.execute(work);
      return true;
    } catch (RejectedExecutionException e) {
      return false;
    }
  }

  /** Takes no more work, finishes what waits, and ends. */
  @Override
  public void close() {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)) {
        threads.shutdownNow();
      }
    } catch (InterruptedException e) {
      threads.shutdownNow();
      Thread.currentThread().interrupt();
    }
  }
}
