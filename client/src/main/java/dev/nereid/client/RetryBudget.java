package dev.nereid.client;

import java.util.concurrent.locks.ReentrantLock;

/** Keeps retries a small share of all calls, so that they never make an overload. Thread-safe. */
final class RetryBudget {
  private final ReentrantLock counting = new ReentrantLock();
  private final double most;
  private final double perCall;
  private double tokens; // guarded by counting
  private long refusals; // guarded by counting

  RetryBudget(UpstreamOptions.Retry retry) {
    most = retry.budget();
    perCall = retry.perCall();
    tokens = most;
  }

  void called() {
    counting.lock();
    try {
      tokens = Math.min(most, tokens + perCall);
    } finally {
      counting.unlock();
    }
  }

  boolean tryRetry() {
    counting.lock();
    try {
      if (tokens < 1) {
        refusals++;
        return false;
      }
      tokens--;
      return true;
    } finally {
      counting.unlock();
    }
  }

  long refusals() {
    counting.lock();
    try {
      return refusals;
    } finally {
      counting.unlock();
    }
  }
}
