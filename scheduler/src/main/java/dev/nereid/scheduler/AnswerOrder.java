package dev.nereid.scheduler;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Lets answers leave in the order in which their requests came ({@code preserve_ordering}): an
 * answer that is ready early is held until those before it have left. Thread-safe.
 */
final class AnswerOrder {
  private final ReentrantLock ordering = new ReentrantLock();
  private final Map<Long, Runnable> held = new HashMap<>(); // guarded by ordering
  private long next; // guarded by ordering
  private final Deque<Runnable> leaving = new ArrayDeque<>(); // guarded by ordering
  private boolean sending; // guarded by ordering

  /** Sends the answer of that request now, or as soon as those before it have left. */
  void send(long sequence, Runnable answer) {
    ordering.lock();
    try {
      held.put(sequence, answer);
      for (Runnable ready = held.remove(next); ready != null; ready = held.remove(next)) {
        leaving.add(ready);
        next++;
      }
      if (sending) {
        return;
      }
      sending = true;
    } finally {
      ordering.unlock();
    }
    sendAll();
  }

  /** Only one thread sends at a time, without the lock, so that the order holds on the wire too. */
  private void sendAll() {
    while (true) {
      Runnable answer;
      ordering.lock();
      try {
        answer = leaving.poll();
        if (answer == null) {
          sending = false;
          return;
        }
      } finally {
        ordering.unlock();
      }
      answer.run();
    }
  }
}
