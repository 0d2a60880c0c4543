package dev.nereid.scheduler;

import dev.nereid.backend.Instance;
import dev.nereid.backend.Placement;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The queue of one version of a model and the threads that own its instances. */
public final class BatchingScheduler implements ModelScheduler {
  /*
   * Ownership. A request belongs to the queue from submit until an instance thread polls it, and to
   * that thread until its outcome is given. Each instance is touched by its own thread only.
   * Order. An idle instance forms its batch at the moment it takes it; see BatchFormer. One of the
   * idle threads at most waits for a time (the leader), the others wait to be signalled.
   * Backpressure. A full level refuses at once. Cancelled and expired requests are dropped when
   * they are met, and by sweep() while every instance is busy.
   * Shutdown. draining refuses new requests; closed also fails those waiting. A thread closes its
   * instance and ends when closed and nothing waits; the last act of close() is the model's.
   */
  private static final Logger LOG = LoggerFactory.getLogger(BatchingScheduler.class);

  private final long load = LoadNumbers.next();
  private final SchedulerSetup setup;
  private final BatchingPolicy policy;
  private final Ticker ticker;
  private final BatchRunner runner;
  private final boolean lookAtEveryArrival;
  private final List<Thread> threads = new ArrayList<>();

  private final ReentrantLock queueing = new ReentrantLock();
  private final Condition available = queueing.newCondition();
  private final Condition idle = queueing.newCondition();

  // guarded by queueing
  private final RequestQueue queue;
  private final BatchFormer former;
  private long sequence;
  private int running;
  private int waiting;
  private int wakeRows = 1;
  private @Nullable Thread leader;
  private boolean draining;
  private boolean closed;

  private BatchingScheduler(SchedulerSetup setup) {
    this.setup = setup;
    policy = BatchingPolicy.of(setup.config());
    ticker = setup.ticker();
    queue = new RequestQueue(policy);
    Compatibility compatible = Compatibility.of(setup.config());
    former = new BatchFormer(policy, queue, compatible);
    lookAtEveryArrival = !compatible.isAlways() || policy.levels() > 0;
    runner =
        new BatchRunner(
            setup, policy.maxBatchSize() > 0, policy.preserveOrdering() ? new AnswerOrder() : null);
  }

  /**
   * Makes every instance, each on the thread that will own it, and starts to take requests.
   *
   * @throws FaultException when an instance cannot be made; the model is closed then
   */
  public static BatchingScheduler start(SchedulerSetup setup) {
    BatchingScheduler scheduler = new BatchingScheduler(setup);
    ReentrantLock making = new ReentrantLock();
    List<CompletableFuture<Void>> made = new ArrayList<>();
    for (Placement placement : setup.placements()) {
      var ready = new CompletableFuture<Void>();
      made.add(ready);
      scheduler.threads.add(
          Thread.ofPlatform()
              .name(setup.config().getName() + "-" + setup.version() + "-" + placement.index())
              .daemon()
              .start(() -> scheduler.own(placement, making, ready)));
    }
    try {
      CompletableFuture.allOf(made.toArray(CompletableFuture[]::new)).join();
      return scheduler;
    } catch (CompletionException e) {
      scheduler.close();
      if (e.getCause() instanceof FaultException fault) {
        throw fault;
      }
      throw new FaultException(
          Fault.INTERNAL.with("instance of '" + setup.config().getName() + "': " + e.getCause()),
          e);
    }
  }

  @Override
  public void submit(List<InferRequest> requests) {
    long now = ticker.nanos();
    List<Queued> refused = null;
    Failure why = STOPPING;
    queueing.lock();
    try {
      for (int i = 0; i < requests.size(); i++) {
        Queued queued = queued(requests.get(i), now);
        if (draining || !queue.add(queued)) {
          refused = refused == null ? new ArrayList<>() : refused;
          refused.add(queued);
          if (!draining) {
            why = Fault.OVERLOADED.with("Exceeds maximum queue size");
          }
        } else {
          sequence++;
        }
      }
      if (waiting > 0 && queue.count() > 0 && (lookAtEveryArrival || queue.rows() >= wakeRows)) {
        available.signal();
      }
    } finally {
      queueing.unlock();
    }
    if (refused != null) {
      for (Queued queued : refused) {
        setup.statistics().failed(why.fault(), 0);
        queued.request.fail(why);
      }
    }
  }

  private Queued queued(InferRequest request, long now) {
    int rows = 1;
    if (policy.maxBatchSize() > 0 && !request.inputs().isEmpty()) {
      rows = (int) request.inputs().getFirst().shape().dim(0);
    }
    InferRequest.Call call = request.call();
    long level = policy.levelOf(call.priority());
    long timeout = policy.queueOf(level).timeoutAt(now, call.timeoutMicros());
    return new Queued(request, rows, level, now, timeout, sequence);
  }

  private void own(Placement placement, ReentrantLock making, CompletableFuture<Void> ready) {
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
      ready.complete(null);
      for (List<Queued> batch = take(); batch != null; batch = take()) {
        runner.run(instance, batch);
        finished();
      }
    } catch (InterruptedException e) {
      LOG.warn("instance {} of '{}' interrupted", placement.index(), setup.config().getName(), e);
    }
  }

  /** Waits for a batch; null when there will be none any more. */
  private @Nullable List<Queued> take() throws InterruptedException {
    List<RequestQueue.Dropped> dropped = new ArrayList<>(0);
    while (true) {
      List<Queued> batch = null;
      boolean ended;
      queueing.lock();
      try {
        ended = closed && queue.count() == 0;
        if (!ended) {
          batch = decide(dropped);
        }
      } finally {
        queueing.unlock();
      }
      refuse(dropped);
      if (batch != null || ended) {
        return batch;
      }
    }
  }

  private @Nullable List<Queued> decide(List<RequestQueue.Dropped> dropped)
      throws InterruptedException {
    BatchFormer.Decision decision = former.next(ticker.nanos(), dropped);
    switch (decision) {
      case BatchFormer.Decision.Run(List<Queued> batch) -> {
        running++;
        wakeRows = 1;
        if (queue.count() > 0 && waiting > 0) {
          available.signal();
        }
        return batch;
      }
      case BatchFormer.Decision.Wait(long nanos, int rows) -> {
        wakeRows = rows;
        if (dropped.isEmpty()) {
          await(nanos);
        }
      }
      case BatchFormer.Decision.Idle() -> {
        wakeRows = 1;
        if (dropped.isEmpty() && !closed) {
          idle.signalAll();
          await(0);
        }
      }
    }
    return null;
  }

  /** Waits to be signalled; for a time at most if it is not 0 and nobody else waits for one. */
  @SuppressWarnings("WaitNotInLoop") // take() is the loop
  private void await(long nanos) throws InterruptedException {
    waiting++;
    boolean leads = nanos > 0 && leader == null;
    try {
      if (leads) {
        leader = Thread.currentThread();
        var _ = available.awaitNanos(nanos);
      } else {
        available.await();
      }
    } finally {
      waiting--;
      if (leads) {
        leader = null;
      }
    }
  }

  private void finished() {
    queueing.lock();
    try {
      running--;
      if (running == 0 && queue.count() == 0) {
        idle.signalAll();
      }
    } finally {
      queueing.unlock();
    }
  }

  private void refuse(List<RequestQueue.Dropped> dropped) {
    for (RequestQueue.Dropped each : dropped) {
      runner.refuse(each.queued(), each.failure());
    }
    dropped.clear();
  }

  @Override
  public int pending() {
    queueing.lock();
    try {
      return queue.count();
    } finally {
      queueing.unlock();
    }
  }

  @Override
  public void sweep() {
    List<RequestQueue.Dropped> dropped;
    queueing.lock();
    try {
      if (queue.count() == 0) {
        return;
      }
      dropped = queue.sweep(ticker.nanos());
    } finally {
      queueing.unlock();
    }
    refuse(dropped);
  }

  @Override
  public void identify(LongConsumer loads) {
    loads.accept(load);
  }

  @Override
  public boolean drain(Duration atMost) throws InterruptedException {
    long left = atMost.toNanos();
    queueing.lock();
    try {
      draining = true;
      while (running > 0 || queue.count() > 0) {
        if (left <= 0) {
          return false;
        }
        left = idle.awaitNanos(left);
      }
      return true;
    } finally {
      queueing.unlock();
    }
  }

  @Override
  public void close() {
    List<Queued> left;
    queueing.lock();
    try {
      draining = true;
      closed = true;
      left = queue.clear();
      available.signalAll();
    } finally {
      queueing.unlock();
    }
    left.forEach(queued -> runner.refuse(queued, STOPPING));
    boolean ended = true;
    for (Thread thread : threads) {
      ended &= join(thread);
    }
    if (ended) {
      setup.model().close();
    } else {
      LOG.error("model '{}': an execution does not end; left open", setup.config().getName());
    }
  }

  private static boolean join(Thread thread) {
    try {
      return thread.join(CLOSE_PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
