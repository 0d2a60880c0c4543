package dev.nereid.bench;

import dev.nereid.client.CallFailure;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.Recorder;
import org.jspecify.annotations.Nullable;

/**
 * What happened in one phase of a load. Any number of threads count; one thread calls {@link
 * #second} and {@link #latencies}.
 */
final class Tally {
  private static final long LONGEST_NANOS = TimeUnit.HOURS.toNanos(1);
  private static final int DIGITS = 3;

  private final Recorder recorder = new Recorder(LONGEST_NANOS, DIGITS);
  private final LongAdder completed = new LongAdder();
  private final LongAdder failed = new LongAdder();
  private final LongAdder wrong = new LongAdder();
  private final LongAdder replyBytes = new LongAdder();
  private final ConcurrentHashMap<String, LongAdder> failures = new ConcurrentHashMap<>();
  private final ConcurrentHashMap<String, String> examples = new ConcurrentHashMap<>();
  private final Histogram total = new Histogram(LONGEST_NANOS, DIGITS); // confined: reader
  private @Nullable Histogram interval; // confined: reader

  void completed(long nanos, int bytes) {
    recorder.recordValue(Math.clamp(nanos, 1, LONGEST_NANOS));
    replyBytes.add(bytes);
    completed.increment();
  }

  /** A reply came, and says something else than it should. */
  void wrong() {
    wrong.increment();
    failed("wrong reply", "content differs from the reply to the same request at concurrency 1");
  }

  void failed(CallFailure failure) {
    failed(
        failure.kind() == CallFailure.Kind.SERVER ? "server " + failure.code() : failure.code(),
        failure.message());
  }

  private void failed(String kind, String message) {
    failed.increment();
    examples.putIfAbsent(kind, message);
    failures.computeIfAbsent(kind, _ -> new LongAdder()).increment();
  }

  long completedCount() {
    return completed.sum();
  }

  long failedCount() {
    return failed.sum();
  }

  long wrongCount() {
    return wrong.sum();
  }

  long replyBytes() {
    return replyBytes.sum();
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
}
