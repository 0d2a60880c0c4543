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
import java.util.concurrent.CountDownLatch;
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
   * that thread until its outcome is given. Each instance is touched by its own thread, or, while
   * that one idles, by a submitter who has borrowed it (submitInline).
   * Order. An idle instance forms its batch at the moment it takes it; see BatchFormer. One of the
   * idle threads at most waits for a time (the leader), the others wait to be signalled.
   * Backpressure. A full level refuses at once. Cancelled and expired requests are dropped when
   * they are met, and by sweep() while every instance is busy.
   * Resources. Where a limiter allots them, a thread that sees work asks for them first, and forms
   * its batch when it has them; it holds none while it waits for work, and lends no instance. While
   * there is more to do it asks anew as it gives back, so that turns count.
   * Shutdown. draining takes no new requests; closed also fails those waiting. A thread closes its
   * instance and ends when closed and nothing waits; the last act of close() is the model's.
   */
  private static final Logger LOG = LoggerFactory.getLogger(BatchingScheduler.class);

  private static final Failure QUEUE_FULL = Fault.OVERLOADED.with("Exceeds maximum queue size");

  private final long load = LoadNumbers.next();
  private final SchedulerSetup setup;
  private final BatchingPolicy policy;
  private final Ticker ticker;
  private final BatchRunner runner;
  private final InstanceThreads threads;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final RateLimiter.@Nullable Registration resources;

  private final ReentrantLock queueing = new ReentrantLock();
  private final Condition idle = queueing.newCondition();

  // guarded by queueing
  private final RequestQueue queue;
  private final BatchFormer former;
  private final IdleInstances waiting = new IdleInstances();
  private final QuickBatches quick = new QuickBatches();
  private long sequence;
  private int running;
  private boolean draining;
  private boolean closed;

  private BatchingScheduler(SchedulerSetup setup) {
    this.setup = setup;
    threads = new InstanceThreads(setup);
    RateLimiter limiter = setup.limiter();
    resources = limiter == null ? null : limiter.register(setup.config(), setup.placements());
    policy = BatchingPolicy.of(setup.config());
    ticker = setup.ticker();
    queue = new RequestQueue(policy);
    former = new BatchFormer(policy, queue, Compatibility.of(setup.config()));
    runner =
        new BatchRunner(
            setup, policy.maxBatchSize() > 0, policy.preserveOrdering() ? new AnswerOrder() : null);
  }

  /**
   * Makes and warms up every instance, each on the thread that will own it, and starts to take
   * requests.
   *
   * @throws FaultException when that fails for an instance, or it could never run; the model is
   *     closed then
   */
  public static BatchingScheduler start(SchedulerSetup setup) {
    BatchingScheduler scheduler = opened(setup);
    try {
      scheduler.threads.start(scheduler::live);
      return scheduler;
    } catch (RuntimeException e) {
      scheduler.close();
      throw e;
    }
  }

  private static BatchingScheduler opened(SchedulerSetup setup) {
    try {
      return new BatchingScheduler(setup);
    } catch (RuntimeException e) {
      setup.model().close();
      throw e;
    }
  }

  @Override
  public boolean submit(List<InferRequest> requests) {
    return submit(requests, false);
  }

  @Override
  public boolean submitInline(List<InferRequest> requests) {
    return submit(requests, true);
  }

  private boolean submit(List<InferRequest> requests, boolean inline) {
    long now = ticker.nanos();
    List<Queued> refused = null;
    Loan loan = null;
    long bytes = 0;
    queueing.lock();
    try {
      if (draining) {
        return false;
      }
      for (int i = 0; i < requests.size(); i++) {
        Queued queued = queued(requests.get(i), now);
        if (!queue.add(queued)) {
          refused = refused == null ? new ArrayList<>() : refused;
          refused.add(queued);
        } else {
          sequence++;
          bytes += queued.bytes;
        }
      }
      if (inline && queue.count() == requests.size() && quick.allows(bytes)) {
        loan = borrow(now);
      }
      if (former.isWorthALook()) {
        waiting.wakeOne();
      }
    } finally {
      queueing.unlock();
    }
    if (loan != null) {
      refuse(loan.dropped);
      if (loan.seat != null) {
        run(loan.seat, loan.batch, true);
      }
    }
    if (refused != null) {
      refuseForWantOfRoom(refused);
    }
    return true;
  }

  /** Tells requests that were never queued. */
  private void refuseForWantOfRoom(List<Queued> refused) {
    for (Queued queued : refused) {
      setup.statistics().failed(QUEUE_FULL.fault(), 0);
      queued.request.fail(QUEUE_FULL);
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

  /** An instance borrowed from its idle thread, and what to run on it. */
  private record Loan(
      IdleInstances.@Nullable Seat seat, List<Queued> batch, List<RequestQueue.Dropped> dropped) {}

  /** Called under the lock. Where batches wait for more requests, an instance's thread waits. */
  private @Nullable Loan borrow(long now) {
    boolean lends = policy.maxDelayNanos() == 0 && resources == null;
    IdleInstances.Seat seat = lends ? waiting.borrow() : null;
    if (seat == null) {
      return null;
    }
    List<RequestQueue.Dropped> dropped = new ArrayList<>(0);
    if (former.next(now, dropped) instanceof BatchFormer.Decision.Run(List<Queued> batch)) {
      running++;
      return new Loan(seat, batch, dropped);
    }
    waiting.giveBack(seat, false);
    return new Loan(null, List.of(), dropped);
  }

  private void live(Instance instance, Placement placement) throws InterruptedException {
    if (placement.passive()) {
      ended.await();
      return;
    }
    IdleInstances.Seat seat = seat(instance, placement);
    for (List<Queued> batch = take(seat); batch != null; batch = take(seat)) {
      run(seat, batch, false);
    }
    seat.release();
  }

  private IdleInstances.Seat seat(Instance instance, Placement placement) {
    RateLimiter.Claim claim = resources == null ? null : resources.claim(placement.index());
    queueing.lock();
    try {
      return waiting.seat(instance, queueing.newCondition(), claim);
    } finally {
      queueing.unlock();
    }
  }

  /** Waits for a batch; null when there will be none any more. */
  private @Nullable List<Queued> take(IdleInstances.Seat seat) throws InterruptedException {
    List<RequestQueue.Dropped> dropped = new ArrayList<>(0);
    while (true) {
      List<Queued> batch = null;
      boolean last;
      boolean lacks;
      queueing.lock();
      try {
        last = closed && queue.count() == 0;
        lacks = queue.count() > 0 && seat.lacksResources();
        if (!last && !lacks) {
          batch = decide(seat, dropped);
        }
      } finally {
        queueing.unlock();
      }
      refuse(dropped);
      if (batch != null || last) {
        return batch;
      }
      if (lacks) {
        seat.awaitResources();
      }
    }
  }

  private @Nullable List<Queued> decide(IdleInstances.Seat seat, List<RequestQueue.Dropped> dropped)
      throws InterruptedException {
    BatchFormer.Decision decision = former.next(ticker.nanos(), dropped);
    switch (decision) {
      case BatchFormer.Decision.Run(List<Queued> batch) -> {
        running++;
        if (queue.count() > 0) {
          waiting.wakeOne();
        }
        return batch;
      }
      case BatchFormer.Decision.Wait(long nanos, _) -> {
        if (dropped.isEmpty()) {
          waiting.await(seat, nanos);
        }
      }
      case BatchFormer.Decision.Idle() -> {
        if (dropped.isEmpty() && !closed) {
          idle.signalAll();
          waiting.await(seat, 0);
        }
      }
    }
    return null;
  }

  private void run(IdleInstances.Seat seat, List<Queued> batch, boolean borrowed) {
    long bytes = 0;
    for (int i = 0; i < batch.size(); i++) {
      bytes += batch.get(i).bytes;
    }
    long took = runner.run(seat.instance(), batch);
    queueing.lock();
    try {
      quick.ran(bytes, took);
      running--;
      boolean work = queue.count() > 0;
      if (work) {
        seat.askAgain();
      } else {
        seat.release();
      }
      if (borrowed) {
        waiting.giveBack(seat, work || closed);
      }
      if (running == 0 && !work) {
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
      waiting.wakeAll();
    } finally {
      queueing.unlock();
    }
    ended.countDown();
    if (resources != null) {
      resources.close();
    }
    left.forEach(queued -> runner.refuse(queued, STOPPING));
    if (threads.join(CLOSE_PATIENCE)) {
      setup.model().close();
    } else {
      LOG.error("model '{}': an execution does not end; left open", setup.config().getName());
    }
  }
}
