package dev.nereid.client;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A client that asks again when a call failed before the server began with it: there was no
 * connection, or the server refused it for want of room. Whatever may have run is not asked again.
 *
 * <p>Attempts follow each other after pauses that grow, end with the call's timeout, and are a
 * small share of all calls, so that many clients do not make an overload worse. Only {@link #infer}
 * and {@link #send} are repeated; closing it closes the client below. Thread-safe.
 */
public final class RetryingClient extends ForwardingClient {
  private final UpstreamOptions.Retry retry;
  private final RetryBudget budget;
  private final List<ScheduledExecutorService> timers;
  private final AtomicInteger nextLane = new AtomicInteger();

  /**
   * A client over another one.
   *
   * @param retry how often, how soon, and how many; hedging is of no concern here
   * @param loops whose threads wait out the pauses
   */
  public RetryingClient(InferenceClient client, UpstreamOptions.Retry retry, EventLoops loops) {
    super(client);
    this.retry = retry;
    budget = new RetryBudget(retry);
    timers = loops.executors();
  }

  /** How many attempts were not made because the budget was used up. */
  public long refusedRetries() {
    return budget.refusals();
  }

  @Override
  public CompletableFuture<InferResult> infer(InferCall call) {
    PendingResult<InferResult> result = new PendingResult<>(this::decode);
    return result.sentAs(
        send(encode(call), nextLane.getAndIncrement(), call.timeout().toNanos(), result));
  }

  @Override
  public InFlight send(EncodedCall call, int lane, long timeoutNanos, Receiver receiver) {
    budget.called();
    Attempts attempts = new Attempts(call, lane, timeoutNanos, receiver);
    attempts.next();
    return attempts;
  }

  /** The attempts of one call. */
  private final class Attempts implements Receiver, InFlight {
    private final EncodedCall call;
    private final int lane;
    private final long endNanos;
    private final boolean ends;
    private final Receiver receiver;
    private final ReentrantLock deciding = new ReentrantLock();
    private @Nullable InFlight current; // guarded by deciding
    private boolean over; // guarded by deciding
    private int made; // guarded by deciding

    Attempts(EncodedCall call, int lane, long timeoutNanos, Receiver receiver) {
      this.call = call;
      this.lane = lane;
      this.receiver = receiver;
      ends = timeoutNanos > 0;
      endNanos = System.nanoTime() + timeoutNanos;
    }

    void next() {
      int mine;
      deciding.lock();
      try {
        if (over) {
          return;
        }
        made++;
        mine = made;
        current = null;
      } finally {
        deciding.unlock();
      }
      long left = ends ? Math.max(1, endNanos - System.nanoTime()) : 0;
      InFlight sent = client.send(call, lane, left, this);
      boolean withdrawn;
      deciding.lock();
      try {
        if (made == mine) { // else it has failed already, and another is on its way
          current = sent;
        }
        withdrawn = over;
      } finally {
        deciding.unlock();
      }
      if (withdrawn) {
        sent.cancel();
      }
    }

    @Override
    public void received(RawReply reply) {
      if (end()) {
        receiver.received(reply);
      }
    }

    @Override
    public void failed(CallFailure failure) {
      long pause = pauseNanos(failure);
      if (pause >= 0) {
        ScheduledExecutorService timer = timers.get(Math.floorMod(lane, timers.size()));
        var _ = timer.schedule(this::next, pause, TimeUnit.NANOSECONDS);
      } else if (end()) {
        receiver.failed(failure);
      }
    }

    /** How long to wait before the next attempt; negative when there is to be none. */
    private long pauseNanos(CallFailure failure) {
      if (failure.kind() != CallFailure.Kind.CONNECT && !failure.isOverload()) {
        return -1;
      }
      deciding.lock();
      try {
        long pause = retry.pauseNanos(made);
        boolean late = ends && endNanos - System.nanoTime() <= pause;
        boolean again = !over && made < retry.attempts() && !late && budget.tryRetry();
        return again ? pause : -1;
      } finally {
        deciding.unlock();
      }
    }

    /** Whether this is the end, which comes once. */
    private boolean end() {
      deciding.lock();
      try {
        boolean first = !over;
        over = true;
        return first;
      } finally {
        deciding.unlock();
      }
    }

    @Override
    public void cancel() {
      InFlight running;
      deciding.lock();
      try {
        if (over) {
          return;
        }
        over = true;
        running = current;
      } finally {
        deciding.unlock();
      }
      if (running != null) {
        running.cancel();
      }
      receiver.failed(CallFailure.of(CallFailure.Kind.CANCELLED, "withdrawn by the caller"));
    }
  }
}
