package dev.nereid.scheduler;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The requests that wait for one model, in the order in which they may run: by priority level, the
 * lowest number first; within a level as they came; then that level's delayed ones.
 *
 * <p>Not thread-safe: guarded by the scheduler's lock.
 */
final class RequestQueue {
  private final BatchingPolicy policy;

  /** Ascending by level. Few, so that looking one up is a short walk. */
  private final List<Level> levels = new ArrayList<>();

  private final boolean checkTimes;
  private int count;
  private int rows;

  /** The requests of one priority. */
  private static final class Level {
    final long number;
    final QueuePolicy policy;
    final Deque<Queued> fresh = new ArrayDeque<>();
    final Deque<Queued> delayed = new ArrayDeque<>();

    Level(long number, QueuePolicy policy) {
      this.number = number;
      this.policy = policy;
    }

    @Nullable Queued poll() {
      Queued next = fresh.poll();
      return next != null ? next : delayed.poll();
    }

    int size() {
      return fresh.size() + delayed.size();
    }
  }

  /** A request taken out because it must not run, and what to answer. */
  record Dropped(Queued queued, Failure failure) {}

  RequestQueue(BatchingPolicy policy) {
    this.policy = policy;
    checkTimes =
        !policy.defaultQueue().isUnlimited()
            || policy.queues().values().stream().anyMatch(queue -> !queue.isUnlimited());
  }

  /** Adds a request at the end of its level; false when the level is full. */
  boolean add(Queued queued) {
    Level level = level(queued.level);
    if (level.policy.maxSize() > 0 && level.size() >= level.policy.maxSize()) {
      return false;
    }
    level.fresh.add(queued);
    count++;
    rows += queued.rows;
    return true;
  }

  int count() {
    return count;
  }

  int rows() {
    return rows;
  }

  /**
   * Takes the next request that may run; those met on the way that may not go to {@code dropped}.
   */
  @Nullable Queued poll(long nowNanos, List<Dropped> dropped) {
    for (int i = 0; i < levels.size(); i++) {
      Level level = levels.get(i);
      for (Queued next = level.poll(); next != null; next = level.poll()) {
        Failure failure = refusal(next, level.policy, nowNanos);
        if (failure != null) {
          count--;
          rows -= next.rows;
          dropped.add(new Dropped(next, failure));
        } else if (!next.delayed && next.timeoutNanos <= nowNanos) {
          next.delayed = true;
          level.delayed.add(next);
        } else {
          count--;
          rows -= next.rows;
          return next;
        }
      }
    }
    return null;
  }

  /** Puts requests back that were polled last, in the order they were polled. */
  void putBack(List<Queued> polled) {
    for (Queued queued : polled.reversed()) {
      Level level = level(queued.level);
      (queued.delayed ? level.delayed : level.fresh).addFirst(queued);
      count++;
      rows += queued.rows;
    }
  }

  /** Takes out every request that may not run any more. */
  List<Dropped> sweep(long nowNanos) {
    List<Dropped> dropped = new ArrayList<>();
    for (Level level : levels) {
      sweep(level, level.fresh, nowNanos, dropped);
      sweep(level, level.delayed, nowNanos, dropped);
    }
    return dropped;
  }

  private void sweep(Level level, Deque<Queued> requests, long nowNanos, List<Dropped> dropped) {
    for (Iterator<Queued> each = requests.iterator(); each.hasNext(); ) {
      Queued queued = each.next();
      Failure failure = refusal(queued, level.policy, nowNanos);
      if (failure != null) {
        each.remove();
        count--;
        rows -= queued.rows;
        dropped.add(new Dropped(queued, failure));
      }
    }
  }

  /** Takes out everything. */
  List<Queued> clear() {
    List<Queued> all = new ArrayList<>(count);
    for (Level level : levels) {
      all.addAll(level.fresh);
      all.addAll(level.delayed);
    }
    levels.clear();
    count = 0;
    rows = 0;
    return all;
  }

  private Level level(long number) {
    int at = 0;
    while (at < levels.size() && levels.get(at).number < number) {
      at++;
    }
    if (at == levels.size() || levels.get(at).number != number) {
      levels.add(at, new Level(number, policy.queueOf(number)));
    }
    return levels.get(at);
  }

  private @Nullable Failure refusal(Queued queued, QueuePolicy policy, long nowNanos) {
    if (queued.request.isCancelled()) {
      return Fault.CANCELLED.with("request was cancelled while it waited");
    }
    if (queued.request.call().deadlineNanos() <= nowNanos) {
      return Fault.DEADLINE_EXCEEDED.with("deadline passed while the request waited");
    }
    if (checkTimes
        && queued.timeoutNanos <= nowNanos
        && !policy.delayOnTimeout()
        && !queued.delayed) {
      return Fault.QUEUE_TIMEOUT.with("Request timeout expired");
    }
    return null;
  }
}
