package dev.nereid.http;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** Requests and their bytes between admission and answer, within limits. Thread-safe. */
final class InFlight {
  private final int maxRequests;
  private final long maxBytes;
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();

  InFlight(ListenerOptions.Limits limits) {
    this.maxRequests = limits.inFlightRequests();
    this.maxBytes = limits.inFlightBytes();
  }

  boolean tryRequest() {
    if (requests.incrementAndGet() > maxRequests) {
      requests.decrementAndGet();
      return false;
    }
    return true;
  }

  boolean tryBytes(long more) {
    if (bytes.addAndGet(more) > maxBytes) {
      bytes.addAndGet(-more);
      return false;
    }
    return true;
  }

  void finished(long held) {
    requests.decrementAndGet();
    if (held != 0) {
      bytes.addAndGet(-held);
    }
  }

  int requests() {
    return requests.get();
  }

  long bytes() {
    return bytes.get();
  }
}
