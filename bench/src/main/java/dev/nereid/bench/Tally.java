package dev.nereid.bench;

import dev.nereid.client.CallFailure;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.jspecify.annotations.Nullable;

/**
 * What happened in one phase of a load. Any number of threads count; one thread calls {@link
 * #second}, {@link #latencies} and {@link #lag}.
 */
final class Tally {
  private static final long LONGEST_NANOS = TimeUnit.HOURS.toNanos(1);
  private static final int DIGITS = 3;

  private final Recorder recorder = new Recorder(LONGEST_NANOS, DIGITS);
  private final List<Recorder> byShare = new ArrayList<>();
  private final List<LongAdder> failedByShare = new ArrayList<>();
  private final Recorder lag = new Recorder(LONGEST_NANOS, DIGITS);
  private final LongAdder completed = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder replyBytes = new LongAdder();
  private final AtomicLong firstNanos = new AtomicLong();
  private final ConcurrentHashMap<String, LongAdder> failures = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, String> examples = new ConcurrentHashMap<>();
  private final Histogram total = new Histogram(LONGEST_NANOS, DIGITS); // confined: reader
  private @Nullable Histogram interval; // confined: reader

  /**
   * Nothing counted yet.
   *
   * @param shares classes of requests, which are counted apart where there are several
   */
  Tally(int shares) {
    for (int i = 0; i < shares && shares > 1; i++) {
      byShare.add(new Recorder(LONGEST_NANOS, DIGITS));
      failedByShare.add(new LongAdder());
    }
  }

  void completed(int share, long nanos, int bytes) {
    long latency = Math.clamp(nanos, 1, LONGEST_NANOS);
    recorder.recordValue(latency);
    if (!byShare.isEmpty()) {
      byShare.get(share).recordValue(latency);
    }
    if (firstNanos.getPlain() == 0) {
      firstNanos.compareAndSet(0, latency);
    }
    replyBytes.add(bytes);
    completed.increment();
  }

  /** A request was sent so long after it was intended. */
  void sentLate(long nanos) {
    lag.recordValue(Math.clamp(nanos, 0, LONGEST_NANOS));
  }

  /** A reply came, and says something else than it should. */
  void wrong(int share) {
    failed(
        share,
        "wrong reply",
        "content differs from the reply to the same request at concurrency 1");
  }

  void failed(int share, CallFailure failure) {
    failed(
        share,
        failure.kind() == CallFailure.Kind.SERVER ? "server " + failure.code() : failure.code(),
        failure.message());
  }

  private void failed(int share, String kind, String message) {
    failed.increment();
    if (!failedByShare.isEmpty()) {
      failedByShare.get(share).increment();
    }
    examples.putIfAbsent(kind, message);
    failures.computeIfAbsent(kind, _ -> new LongAdder()).increment();
  }

  long completedCount() {
    return completed.sum();
  }

  long failedCount() {
    return failed.sum();
  }

  long replyBytes() {
    return replyBytes.sum();
  }

  /** The latency of the request that was answered first; 0 before. */
  long firstNanos() {
    return firstNanos.get();
  }

  SortedMap<String, Long> failures() {
    SortedMap<String, Long> counts = new TreeMap<>();
    failures.forEach((kind, count) -> counts.put(kind, count.sum()));
    return counts;
  }

  /** The first message seen of each kind of failure. */
  SortedMap<String, String> examples() {
    return new TreeMap<>(examples);
  }

  /** The latencies since the last call, in nanoseconds; valid until the next call. */
  Histogram second() {
    Histogram latest = recorder.getIntervalHistogram(interval);
    interval = latest;
    total.add(latest);
    return latest;
  }

  /** All latencies up to the last {@link #second}, in nanoseconds. */
  Histogram latencies() {
    return total;
  }

  /** The latencies of one class, once, at the end; those of all where there is one class. */
  Histogram latencies(int share) {
    return byShare.isEmpty() ? total : byShare.get(share).getIntervalHistogram();
  }

  long failedCount(int share) {
    return failedByShare.isEmpty() ? failedCount() : failedByShare.get(share).sum();
  }

  /** How late requests were sent, once, at the end. */
  Histogram lag() {
    return lag.getIntervalHistogram();
  }
}
