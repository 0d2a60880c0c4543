package dev.nereid.scheduler;

import dev.nereid.backend.Instance;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;

/**
 * The instances that have nothing to do: their threads wait here to be woken, the last to come
 * first, since its caches are warm; or a submitter borrows the instance and runs a batch itself.
 *
 * <p>Not thread-safe: guarded by the scheduler's lock.
 */
final class IdleInstances {
  private final ArrayDeque<Seat> waiting = new ArrayDeque<>();
  private final List<Seat> all = new ArrayList<>();
  private @Nullable Seat leader;

  /** An instance and where its thread waits. */
  static final class Seat {
    private final Instance instance;
    private final Condition woken;
    private final RateLimiter.@Nullable Claim claim;
    private boolean lent;

    private Seat(Instance instance, Condition woken, RateLimiter.@Nullable Claim claim) {
      this.instance = instance;
      this.woken = woken;
      this.claim = claim;
    }

    Instance instance() {
      return instance;
    }

    /** Whether it needs resources that it does not hold. */
    boolean lacksResources() {
      return claim != null && !claim.isHeld();
    }

    /** Waits for them, or until there is no more hope; not under the scheduler's lock. */
    void awaitResources() throws InterruptedException {
      if (claim != null) {
        var _ = claim.await();
      }
    }

    /** Gives back the resources that it holds, and asks for them anew. */
    void askAgain() {
      if (claim != null) {
        claim.askAgain();
      }
    }

    /** Gives back the resources that it holds, and asks for none. */
    void release() {
      if (claim != null) {
        claim.release();
      }
    }
  }

  /**
   * A seat for a new instance, whose thread waits on that condition of the scheduler's lock.
   *
   * @param claim to what it needs to run; null for nothing
   */
  Seat seat(Instance instance, Condition woken, RateLimiter.@Nullable Claim claim) {
    Seat seat = new Seat(instance, woken, claim);
    all.add(seat);
    return seat;
  }

  /**
   * Waits to be woken, without resources; for a time at most if it is not 0 and nobody else waits
   * for one. Returns when the instance is its thread's again, if it was lent meanwhile.
   */
  @SuppressWarnings("WaitNotInLoop") // the caller looks at its queue, and comes back
  void await(Seat seat, long nanos) throws InterruptedException {
    seat.release();
    waiting.push(seat);
    boolean leads = nanos > 0 && leader == null;
    try {
      if (leads) {
        leader = seat;
        var _ = seat.woken.awaitNanos(nanos);
      } else {
        seat.woken.await();
      }
    } finally {
      while (seat.lent) {
        seat.woken.awaitUninterruptibly();
      }
      waiting.remove(seat);
      if (leads) {
        leader = null;
      }
    }
  }

  /** Wakes one thread, if any waits. */
  void wakeOne() {
    Seat seat = waiting.poll();
    if (seat != null) {
      seat.woken.signal();
    }
  }

  /** Wakes every thread. */
  void wakeAll() {
    waiting.clear();
    all.forEach(seat -> seat.woken.signal());
  }

  /** Takes an idle instance from its thread until {@link #giveBack}; null when none is idle. */
  @Nullable Seat borrow() {
    Seat seat = waiting.poll();
    if (seat != null) {
      seat.lent = true;
    }
    return seat;
  }

  /**
   * Gives an instance back to its thread.
   *
   * @param wake whether there is something for the thread to do
   */
  void giveBack(Seat seat, boolean wake) {
    seat.lent = false;
    if (wake) {
      seat.woken.signal();
    } else {
      waiting.push(seat);
    }
  }
}
