package dev.nereid.scheduler;

import dev.nereid.backend.Instance;
import dev.nereid.backend.Placement;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The threads that own the instances of a model: each makes its instance, spends its life with it
 * and closes it. Started and joined by one thread.
 */
final class InstanceThreads {
  private static final Logger LOG = LoggerFactory.getLogger(InstanceThreads.class);

  private final SchedulerSetup setup;
  private final ReentrantLock making = new ReentrantLock();
  private final List<Thread> threads = new ArrayList<>();

  /** What a thread does with its instance, until the model is closed. */
  interface Life {
    void with(Instance instance, Placement placement) throws InterruptedException;
  }

  InstanceThreads(SchedulerSetup setup) {
    this.setup = setup;
  }

  /**
   * Makes every instance, one after another, warms it up, and lets it live.
   *
   * @throws FaultException when that fails for one; the others live then, until told to end
   */
  void start(Life life) {
    List<CompletableFuture<Void>> made = new ArrayList<>();
    for (Placement placement : setup.placements()) {
      var ready = new CompletableFuture<Void>();
      made.add(ready);
      threads.add(
          Thread.ofPlatform()
              .name(setup.config().getName() + "-" + setup.version() + "-" + placement.index())
              .daemon()
              .start(() -> own(placement, life, ready)));
    }
    try {
      CompletableFuture.allOf(made.toArray(CompletableFuture[]::new)).join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof FaultException fault) {
        throw fault;
      }
      throw new FaultException(
          Fault.INTERNAL.with("instance of '" + setup.config().getName() + "': " + e.getCause()),
          e);
    }
  }

  private void own(Placement placement, Life life, CompletableFuture<Void> ready) {
    Instance instance;
    making.lock();
    try {
      instance = setup.model().newInstance(placement);
    } catch (Throwable e) { // goes to whoever starts the scheduler
      ready.completeExceptionally(e);
      return;
    } finally {
      making.unlock();
    }
    try (instance) {
      if (placement.passive() || isWarm(instance, ready)) {
        ready.complete(null);
        life.with(instance, placement);
      }
    } catch (InterruptedException e) {
      LOG.warn("instance {} of '{}' interrupted", placement.index(), setup.config().getName(), e);
    }
  }

  private boolean isWarm(Instance instance, CompletableFuture<Void> ready) {
    try {
      setup.warmUp().accept(instance);
      return true;
    } catch (Throwable e) { // goes to whoever starts the scheduler
      ready.completeExceptionally(e);
      return false;
    }
  }

  /** Waits for the threads to end; false when one does not in that time. */
  boolean join(Duration atMost) {
    boolean ended = true;
    try {
      for (Thread thread : threads) {
        ended &= thread.join(atMost);
      }
      return ended;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
