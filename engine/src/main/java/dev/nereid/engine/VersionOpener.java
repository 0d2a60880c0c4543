package dev.nereid.engine;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens versions on threads of their own, so many at a time, each within a time: one whose back end
 * hangs is given up, and what comes of it later is thrown away. Thread-safe.
 */
final class VersionOpener implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(VersionOpener.class);

  private final ModelLoader loader;
  private final EngineOptions.Control options;
  private final Semaphore permits;
  private final ExecutorService threads =
      Executors.newCachedThreadPool(Thread.ofPlatform().name("load-", 0).daemon().factory());

  VersionOpener(ModelLoader loader, EngineOptions.Control options, int atATime) {
    this.loader = loader;
    this.options = options;
    permits = new Semaphore(atATime, true);
  }

  /**
   * Opens a version, trying again as often as the options say.
   *
   * @throws FaultException when it fails, or does not end in time
   */
  ServedVersion open(ModelLoader.Job job) {
    permits.acquireUninterruptibly();
    try {
      for (int left = options.loadRetries(); left > 0; left--) {
        try {
          return openOnce(job);
        } catch (FaultException e) {
          if (job.attempt().isGivenUp()) {
            throw e;
          }
          LOG.warn(
              "loading '{}' version {} failed and is tried again, {} more: {}",
              job.declared().getName(),
              job.version(),
              left,
              e.failure().message());
        }
      }
      return openOnce(job);
    } finally {
      permits.release();
    }
  }

  private ServedVersion openOnce(ModelLoader.Job job) {
    CompletableFuture<ServedVersion> opening =
        CompletableFuture.supplyAsync(() -> loader.load(job), threads);
    try {
      return opening.get(options.loadTimeout().toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw failure(e.getCause() == null ? e : e.getCause());
    } catch (TimeoutException e) {
      giveUp(job, opening);
      throw FaultException.of(
          Fault.INTERNAL,
          "loading did not end within %d s and was given up (--model-load-timeout-secs)"
              .formatted(options.loadTimeout().toSeconds()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      giveUp(job, opening);
      throw FaultException.of(Fault.CANCELLED, "loading was interrupted");
    }
  }

  private static void giveUp(ModelLoader.Job job, CompletableFuture<ServedVersion> opening) {
    job.attempt().giveUp();
    var _ = opening.thenAccept(ServedVersion::close);
  }

  private static FaultException failure(Throwable why) {
    if (why instanceof FaultException fault) {
      return fault;
    }
    return new FaultException(Fault.INTERNAL.with(why.toString()), why);
  }

  /** Why something failed, in the words for the index. */
  static String reason(Throwable why) {
    return why instanceof FaultException fault ? fault.failure().message() : why.toString();
  }

  /** Logs what could not be done: with a trace when nobody expected it. */
  static void logFailure(String what, Throwable why) {
    if (why instanceof FaultException fault && fault.failure().fault() != Fault.INTERNAL) {
      LOG.error("{}: {}", what, reason(why));
    } else {
      LOG.error("{}: {}", what, reason(why), why);
    }
  }

  @Override
  public void close() {
    threads.shutdown();
  }
}
