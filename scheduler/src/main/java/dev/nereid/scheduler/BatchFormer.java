package dev.nereid.scheduler;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Decides what an idle instance runs next.
 *
 * <p>The rules are those of Triton's dynamic batcher. It fills a payload that an instance picks up
 * when it is free; here the free instance forms the batch itself, at that moment, which gives the
 * same batches without a thread between (docs/decisions/0002-pulling-batcher.md): a payload that
 * waits for a busy instance keeps growing because the queue does.
 *
 * <p>Not thread-safe: guarded by the scheduler's lock.
 */
final class BatchFormer {
  private final BatchingPolicy policy;
  private final RequestQueue queue;
  private final Compatibility compatible;
  private final boolean looksAtEveryArrival;

  /** So many queued rows make it worth deciding again. */
  private int wantedRows = 1;

  /** What to do. */
  sealed interface Decision {
    /** Run these, in this order. */
    record Run(List<Queued> requests) implements Decision {}

    /**
     * Wait, since a better batch may come.
     *
     * @param nanos how long at most
     * @param rows how many queued rows make it worth looking again
     */
    record Wait(long nanos, int rows) implements Decision {}

    /** There is nothing to run. */
    record Idle() implements Decision {}
  }

  private static final Decision IDLE = new Decision.Idle();

  /**
   * A former of batches from that queue.
   *
   * @param compatible who may join a batch that another began
   */
  BatchFormer(BatchingPolicy policy, RequestQueue queue, Compatibility compatible) {
    this.policy = policy;
    this.queue = queue;
    this.compatible = compatible;
    looksAtEveryArrival = !compatible.isAlways() || policy.levels() > 0;
  }

  /** Whether what has come in since the last decision makes it worth deciding again. */
  boolean isWorthALook() {
    return queue.count() > 0 && (looksAtEveryArrival || queue.rows() >= wantedRows);
  }

  /** Decides for one idle instance; requests that may not run any more go to {@code dropped}. */
  Decision next(long nowNanos, List<RequestQueue.Dropped> dropped) {
    Decision decision = decide(nowNanos, dropped);
    wantedRows = decision instanceof Decision.Wait(_, int rows) ? rows : 1;
    return decision;
  }

  private Decision decide(long nowNanos, List<RequestQueue.Dropped> dropped) {
    Queued first = queue.poll(nowNanos, dropped);
    if (first == null) {
      return IDLE;
    }
    if (!policy.dynamic()) {
      return new Decision.Run(List.of(first));
    }
    Walk walk = new Walk(first);
    while (!walk.sendNow) {
      Queued next = queue.poll(nowNanos, dropped);
      if (next == null) {
        break;
      }
      walk.meet(next);
    }
    return end(walk, nowNanos);
  }

  private Decision end(Walk walk, long nowNanos) {
    boolean expired =
        policy.maxDelayNanos() > 0 && nowNanos - walk.oldestNanos >= policy.maxDelayNanos();
    int taken = walk.pending.size();
    if (walk.mark > 0 && !expired) {
      taken = walk.mark;
    } else if (!walk.sendNow
        && walk.rows < policy.largestPreferred()
        && !expired
        && policy.maxDelayNanos() > 0) {
      queue.putBack(walk.pending);
      long delayLeft = walk.oldestNanos + policy.maxDelayNanos() - nowNanos;
      return new Decision.Wait(
          Math.min(delayLeft, walk.nearestEndNanos - nowNanos), policy.nextPreferred(walk.rows));
    }
    if (walk.refused != null) {
      queue.putBack(List.of(walk.refused));
    }
    if (taken < walk.pending.size()) {
      queue.putBack(walk.pending.subList(taken, walk.pending.size()));
      return new Decision.Run(new ArrayList<>(walk.pending.subList(0, taken)));
    }
    return new Decision.Run(walk.pending);
  }

  /** The requests met from the front of the queue, and where a batch may end. */
  private final class Walk {
    final List<Queued> pending = new ArrayList<>();
    final Queued first;
    int rows;
    long oldestNanos;
    long nearestEndNanos;

    /** How many requests end at the best preferred size so far; 0 for none. */
    int mark;

    boolean sendNow;
    @Nullable Queued refused;

    Walk(Queued first) {
      this.first = first;
      oldestNanos = first.queuedNanos;
      nearestEndNanos = Long.MAX_VALUE;
      accept(first);
    }

    void meet(Queued next) {
      if (rows + next.rows > policy.largestPreferred() && mark == 0) {
        mark = pending.size();
      }
      if (rows + next.rows > policy.maxBatchSize() || !compatible.test(first, next)) {
        sendNow = true;
        refused = next;
        return;
      }
      accept(next);
    }

    private void accept(Queued next) {
      pending.add(next);
      rows += next.rows;
      oldestNanos = Math.min(oldestNanos, next.queuedNanos);
      long timeout = next.delayed ? Long.MAX_VALUE : next.timeoutNanos;
      nearestEndNanos =
          Math.min(nearestEndNanos, Math.min(timeout, next.request.call().deadlineNanos()));
      if (policy.isPreferred(rows)) {
        mark = pending.size();
      }
    }
  }
}
