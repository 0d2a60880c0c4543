package dev.nereid.scheduler;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.core.Lease;
import dev.nereid.core.Tensor;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A model that gives its input back, and begins each execution only when the test lets it.
 * Remembers the size of every batch.
 */
final class GatedModel implements Model {
  final Semaphore gate;
  final Semaphore begun = new Semaphore(0);
  final List<Integer> sizes = Collections.synchronizedList(new ArrayList<>());
  final List<String> ids = Collections.synchronizedList(new ArrayList<>());
  final AtomicInteger made = new AtomicInteger();
  final AtomicInteger closedInstances = new AtomicInteger();
  final Set<Thread> executors = ConcurrentHashMap.newKeySet();
  volatile boolean failing;
  volatile boolean closed;

  /** A model that may execute so many times at once. */
  GatedModel(int permits) {
    gate = new Semaphore(permits);
  }

  @Override
  public Instance newInstance(Placement placement) {
    made.incrementAndGet();
    return new Instance() {
      @Override
      public void execute(Batch batch) {
        executors.add(Thread.currentThread());
        GatedModel.this.execute(batch);
      }

      @Override
      public void close() {
        closedInstances.incrementAndGet();
      }
    };
  }

  private void execute(Batch batch) {
    begun.release();
    try {
      if (!gate.tryAcquire(20, TimeUnit.SECONDS)) {
        throw new IllegalStateException("gate: not opened");
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
    sizes.add(batch.size());
    batch.requests().forEach(request -> ids.add(request.call().id()));
    if (failing) {
      throw new IllegalStateException("this model fails");
    }
    for (int i = 0; i < batch.requests().size(); i++) {
      Tensor input = batch.required(i, "INPUT0");
      Lease share = input.lease().share();
      batch.respond(i, List.of(input.in(share).renamed("OUTPUT0")), List.of(share));
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
