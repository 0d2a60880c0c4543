package dev.nereid.server;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Inferences over gRPC between arrival and answer, within limits. Thread-safe. */
final class GrpcAdmission {
  private final GrpcOptions.Limits limits;
  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicLong bytes = new AtomicLong();

  GrpcAdmission(GrpcOptions.Limits limits) {
    this.limits = limits;
  }

  /** Takes a request in; null when that succeeds, else why not. */
  @Nullable FaultException admit(int length) {
    if (requests.incrementAndGet() > limits.inFlightRequests()) {
      requests.decrementAndGet();
      return overloaded("requests", limits.inFlightRequests());
    }
    if (bytes.addAndGet(length) > limits.inFlightBytes()) {
      finished(length);
      return overloaded("bytes", limits.inFlightBytes());
    }
    return null;
  }

  private static FaultException overloaded(String what, long limit) {
    return FaultException.of(
        Fault.OVERLOADED, what + " in flight: too many (expected: at most " + limit + ")");
  }

  void finished(int length) {
    requests.decrementAndGet();
    bytes.addAndGet(-length);
  }

  int requests() {
    return requests.get();
  }

  long bytes() {
    return bytes.get();
  }
}
