package dev.nereid.client;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Tensor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets calls through while there is room for them and their bytes; the others wait in the order of
 * their lanes, for a bounded time. Those that would wait longer are refused at once: as many leave
 * in that time as left lately while others waited. As many may wait as may be under way; calls that
 * are less urgent take no place from the others. An eighth of the room is for urgent calls alone.
 * Thread-safe.
 */
final class Admission {
  /** One part in so many. */
  private static final int RESERVED = 8;

  private static final long WINDOW_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private final UpstreamOptions.Limits limits;
  private final ReentrantLock admitting = new ReentrantLock();
  // guarded by admitting
  private final Map<Lane, Deque<UpstreamCall>> waiting = new EnumMap<>(Lane.class);
  private int calls;
  private long bytes;
  private int waiters;
  private long refusals;
  private long windowBegan;
  private int leftInWindow;
  private double leavePerNano; // 0 until it is known

  /** Calls that waited and have room now, and how often somebody was to start them. */
  private final Queue<UpstreamCall> granted = new ConcurrentLinkedQueue<>();

  private final AtomicInteger toStart = new AtomicInteger();

  Admission(UpstreamOptions.Limits limits) {
    this.limits = limits;
    for (Lane lane : Lane.values()) {
      waiting.put(lane, new ArrayDeque<>());
    }
  }

  /** The bytes that a request's inputs take. */
  static long bytes(InferRequest request) {
    long sum = 0;
    for (Tensor input : request.inputs()) {
      sum += input.length();
    }
    return sum;
  }

  /** Starts the call now or later, or fails it. */
  void enter(UpstreamCall call) {
    boolean admitted;
    boolean refused = false;
    admitting.lock();
    try {
      int ahead = ahead(call.lane());
      admitted = ahead == 0 && take(call);
      if (!admitted) {
        refused = ahead >= limits.calls() || !isSoon(ahead);
        if (refused) {
          refusals++;
        } else {
          Objects.requireNonNull(waiting.get(call.lane())).add(call);
          if (waiters++ == 0) {
            windowBegan = call.createdNanos();
            leftInWindow = 0;
          }
        }
      }
    } finally {
      admitting.unlock();
    }
    if (admitted) {
      call.start();
    } else if (refused) {
      call.refuse(full());
    }
  }

  /** Whether a call behind so many is likely to find room before its patience ends. */
  private boolean isSoon(int ahead) {
    long patience = limits.patience().toNanos();
    if (patience == 0 || leavePerNano == 0) {
      return patience > 0;
    }
    return ahead < leavePerNano * patience;
  }

  /** How many wait that go before a new call of that lane. */
  private int ahead(Lane lane) {
    int ahead = 0;
    for (Map.Entry<Lane, Deque<UpstreamCall>> each : waiting.entrySet()) {
      ahead += each.getKey().compareTo(lane) <= 0 ? each.getValue().size() : 0;
    }
    return ahead;
  }

  /** Measures how quickly calls leave while others wait for their room. */
  private void countLeft(long now) {
    if (waiters == 0) {
      return;
    }
    leftInWindow++;
    long passed = now - windowBegan;
    if (passed >= WINDOW_NANOS) {
      double rate = leftInWindow / (double) passed;
      leavePerNano = leavePerNano == 0 ? rate : (leavePerNano + rate) / 2;
      windowBegan = now;
      leftInWindow = 0;
    }
  }

  private boolean take(UpstreamCall call) {
    boolean urgent = call.lane() == Lane.HIGH;
    int mostCalls = urgent ? limits.calls() : limits.calls() - limits.calls() / RESERVED;
    long mostBytes = urgent ? limits.bytes() : limits.bytes() - limits.bytes() / RESERVED;
    if (calls >= mostCalls || (calls > 0 && bytes + call.bytes() > mostBytes)) {
      return false;
    }
    calls++;
    bytes += call.bytes();
    return true;
  }

  /** Gives the room of an admitted call to those that wait. */
  void left(UpstreamCall call, long now) {
    boolean any = false;
    admitting.lock();
    try {
      countLeft(now);
      calls--;
      bytes -= call.bytes();
      for (Deque<UpstreamCall> lane : waiting.values()) {
        UpstreamCall next = lane.peek();
        while (next != null && take(next)) {
          granted.add(lane.remove());
          waiters--;
          any = true;
          next = lane.peek();
        }
        if (next != null) {
          break;
        }
      }
    } finally {
      admitting.unlock();
    }
    if (any) {
      startGranted();
    }
  }

  /**
   * One thread at a time: a call that fails at once makes room for the next, and would start it
   * from within itself, and so on.
   */
  private void startGranted() {
    if (toStart.getAndIncrement() > 0) {
      return;
    }
    do {
      for (UpstreamCall call = granted.poll(); call != null; call = granted.poll()) {
        call.start();
      }
    } while (toStart.decrementAndGet() > 0);
  }

  /** Refuses those that have waited long enough; drops those that nobody waits for. */
  void sweep(long now) {
    List<UpstreamCall> late = new ArrayList<>();
    admitting.lock();
    try {
      if (waiters == 0) {
        return;
      }
      long patience = limits.patience().toNanos();
      for (Deque<UpstreamCall> lane : waiting.values()) {
        lane.removeIf(
            call -> {
              boolean over = call.isPointless(now) || now - call.createdNanos() > patience;
              if (over) {
                late.add(call);
              }
              return over;
            });
      }
      waiters -= late.size();
      refusals += late.size();
    } finally {
      admitting.unlock();
    }
    late.forEach(call -> call.refuse(full()));
  }

  /** Refuses all that wait. */
  void close(Failure failure) {
    List<UpstreamCall> left = new ArrayList<>();
    admitting.lock();
    try {
      waiting.values().forEach(left::addAll);
      waiting.values().forEach(Deque::clear);
      waiters = 0;
    } finally {
      admitting.unlock();
    }
    left.forEach(call -> call.refuse(failure));
  }

  private Failure full() {
    return Fault.OVERLOADED.with(
        "upstream: no room within %d ms (expected: at most %d calls and %d bytes in flight)"
            .formatted(limits.patience().toMillis(), limits.calls(), limits.bytes()));
  }

  /** How full it is. */
  UpstreamStatus.Admitted status() {
    admitting.lock();
    try {
      return new UpstreamStatus.Admitted(calls, bytes, waiters, refusals);
    } finally {
      admitting.unlock();
    }
  }
}
