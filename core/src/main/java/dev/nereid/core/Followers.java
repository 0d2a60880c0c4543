package dev.nereid.core;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Requests that wait for what an equal one gets, in the order of their coming. Thread-safe; what is
 * given is called under a lock and does not block.
 *
 * @param <R> a request
 */
public final class Followers<R> {
  private final ReentrantLock joining = new ReentrantLock();
  private List<R> waiting = new ArrayList<>(0); // guarded by joining

  /** One more waits. */
  public void add(R follower) {
    joining.lock();
    try {
      waiting.add(follower);
    } finally {
      joining.unlock();
    }
  }

  /** Whether that holds for all of them; so it does when there is none. */
  public boolean allMatch(Predicate<R> condition) {
    joining.lock();
    try {
      return waiting.stream().allMatch(condition);
    } finally {
      joining.unlock();
    }
  }

  /** Takes all of them out; none joins any more. */
  public List<R> takeAll() {
    joining.lock();
    try {
      List<R> taken = waiting;
      waiting = List.of();
      return taken;
    } finally {
      joining.unlock();
    }
  }

  /** Takes out the first; null when there is none. */
  public @Nullable R takeFirst() {
    joining.lock();
    try {
      return waiting.isEmpty() ? null : waiting.removeFirst();
    } finally {
      joining.unlock();
    }
  }

  /**
   * Takes out those that wait no more.
   *
   * @param overtaken why one does not; null when it still waits
   * @param ended is told each of them, with the reason
   */
  public void sweep(Function<R, @Nullable Failure> overtaken, BiConsumer<R, Failure> ended) {
    joining.lock();
    try {
      for (Iterator<R> each = waiting.iterator(); each.hasNext(); ) {
        R follower = each.next();
        Failure failure = overtaken.apply(follower);
        if (failure != null) {
          each.remove();
          ended.accept(follower, failure);
        }
      }
    } finally {
      joining.unlock();
    }
  }
}
