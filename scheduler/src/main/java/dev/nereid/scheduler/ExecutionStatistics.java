package dev.nereid.scheduler;

import dev.nereid.backend.Batch;
import dev.nereid.core.Fault;
import dev.nereid.core.Phase;
import dev.nereid.core.Timings;
import dev.nereid.telemetry.Histogram;
import dev.nereid.telemetry.LatencyMetrics;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.MetricSource;
import dev.nereid.telemetry.Metrics;
import dev.nereid.telemetry.PhaseHistograms;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * What one version of a model did since it was loaded. Thread-safe; a batch takes the lock once.
 */
public final class ExecutionStatistics implements MetricSource {
  private final ReentrantLock counting = new ReentrantLock();
  private final String[] labels;
  private final @Nullable LatencyMetrics latencies;

  // guarded by counting
  private long lastInferenceMillis;
  private long inferences;
  private long executions;
  private final Sum success = new Sum();
  private final Sum fail = new Sum();
  private final Sum queue = new Sum();
  private final Sum input = new Sum();
  private final Sum infer = new Sum();
  private final Sum output = new Sum();
  private final Sum cacheHit = new Sum();
  private final Sum cacheMiss = new Sum();
  private long cacheShared;
  private boolean caching;
  private final Map<Reason, Long> failures = new EnumMap<>(Reason.class);
  private final Map<Integer, BatchSums> batches = new TreeMap<>();
  private long gathersSkipped;
  private long gathersCopied;

  private final Histogram requestSeconds = Metrics.newHistogram(Meter.REQUEST_SECONDS);
  private final Histogram batchSizes = Metrics.newHistogram(Meter.BATCH_SIZE);
  private final Histogram inputSeconds = Metrics.newHistogram(Meter.EXECUTION_SECONDS);
  private final Histogram inferSeconds = Metrics.newHistogram(Meter.EXECUTION_SECONDS);
  private final Histogram outputSeconds = Metrics.newHistogram(Meter.EXECUTION_SECONDS);
  private final PhaseHistograms phases = new PhaseHistograms(Meter.PHASE_SECONDS);

  /** Why a request failed, in Triton's words. */
  public enum Reason {
    REJECTED,
    CANCELED,
    BACKEND,
    OTHER;

    static Reason of(Fault fault) {
      return switch (fault) {
        case OVERLOADED, QUEUE_TIMEOUT, DEADLINE_EXCEEDED -> REJECTED;
        case CANCELLED -> CANCELED;
        case BACKEND_FAILED -> BACKEND;
        case INVALID_ARGUMENT,
            UNPROCESSABLE,
            UNSUPPORTED_MEDIA,
            TOO_LARGE,
            NOT_FOUND,
            ALREADY_EXISTS,
            UNSUPPORTED,
            NOT_READY,
            INTERNAL ->
            OTHER;
      };
    }
  }

  /** How often and how long in all. */
  public record Total(long count, long nanos) {}

  /** The executions of one batch size. */
  public record OfBatchSize(int batchSize, Total input, Total infer, Total output) {}

  /**
   * The numbers as of one moment.
   *
   * @param cacheShared of the cache's hits, how many shared the run of an equal request
   * @param failures how many requests failed for each reason that occurred
   * @param batches by batch size, ascending
   */
  public record Snapshot(
      long lastInferenceMillis,
      long inferences,
      long executions,
      Total success,
      Total fail,
      Total queue,
      Total input,
      Total infer,
      Total output,
      Total cacheHit,
      Total cacheMiss,
      long cacheShared,
      Map<Reason, Long> failures,
      long gathersSkipped,
      long gathersCopied,
      List<OfBatchSize> batches) {}

  private static final class Sum {
    long count;
    long nanos;

    void add(long times, long duration) {
      count += times;
      nanos += duration;
    }

    Total total() {
      return new Total(count, nanos);
    }
  }

  private static final class BatchSums {
    final Sum input = new Sum();
    final Sum infer = new Sum();
    final Sum output = new Sum();
  }

  /** Statistics of that version. */
  public ExecutionStatistics(String model, long version) {
    this(model, version, null);
  }

  /** Statistics of that version; {@code latencies} is null where nobody wants them. */
  public ExecutionStatistics(String model, long version, @Nullable LatencyMetrics latencies) {
    this.latencies = latencies;
    labels = new String[] {model, Long.toString(version)};
  }

  /** Counts the execution of a batch; its requests are counted one by one. */
  void executed(Batch batch, Timings times) {
    counting.lock();
    try {
      executions++;
      BatchSums sums = batches.computeIfAbsent(batch.size(), _ -> new BatchSums());
      sums.input.add(1, times.inputNanos());
      sums.infer.add(1, times.inferNanos());
      sums.output.add(1, times.outputNanos());
      gathersSkipped += batch.gathersSkipped();
      gathersCopied += batch.gathersCopied();
    } finally {
      counting.unlock();
    }
    batchSizes.observe(batch.size());
    inputSeconds.observeNanos(times.inputNanos());
    inferSeconds.observeNanos(times.inferNanos());
    outputSeconds.observeNanos(times.outputNanos());
  }

  /** Counts the requests of a batch that were answered. */
  void answered(List<Answered> requests) {
    long now = System.currentTimeMillis();
    counting.lock();
    try {
      lastInferenceMillis = now;
      for (int i = 0; i < requests.size(); i++) {
        Answered each = requests.get(i);
        Timings times = each.times;
        inferences += each.rows;
        success.add(1, times.ended() - times.queued());
        queue.add(1, times.queueNanos());
        input.add(1, times.inputNanos());
        infer.add(1, times.inferNanos());
        output.add(1, times.outputNanos());
      }
    } finally {
      counting.unlock();
    }
    for (int i = 0; i < requests.size(); i++) {
      Timings times = requests.get(i).times;
      requestSeconds.observeNanos(times.ended() - times.queued());
      phases.observe(times);
      if (latencies != null) {
        latencies.answered(times);
      }
    }
  }

  /** Counts a request that an ensemble answered: compute times are the sums of its steps'. */
  void ensembleAnswered(int rows, Timings times) {
    long totalNanos = times.ended() - times.queued();
    counting.lock();
    try {
      lastInferenceMillis = System.currentTimeMillis();
      inferences += rows;
      executions++;
      success.add(1, totalNanos);
      queue.add(1, 0);
      input.add(1, times.inputNanos());
      infer.add(1, times.inferNanos());
      output.add(1, times.outputNanos());
    } finally {
      counting.unlock();
    }
    requestSeconds.observeNanos(totalNanos);
    phases.observe(times);
    if (latencies != null) {
      latencies.answered(times);
    }
  }

  /** The model's answers are cached, so that hits and misses are told from now on. */
  void cached() {
    counting.lock();
    try {
      caching = true;
    } finally {
      counting.unlock();
    }
  }

  /**
   * Counts a request that was answered without an execution of its own.
   *
   * @param waited nanoseconds of the total for which it waited for an equal request's run
   */
  void hit(long total, long waited, boolean shared) {
    counting.lock();
    try {
      lastInferenceMillis = System.currentTimeMillis();
      success.add(1, total);
      queue.add(1, waited);
      cacheHit.add(1, total - waited);
      cacheShared += shared ? 1 : 0;
    } finally {
      counting.unlock();
    }
    requestSeconds.observeNanos(total);
    phases.observe(Phase.QUEUE, waited);
    if (latencies != null) {
      latencies.hit(total, waited);
    }
  }

  /** Counts a request that the cache could not answer; its execution is counted by itself. */
  void missed(long nanos) {
    counting.lock();
    try {
      cacheMiss.add(1, nanos);
    } finally {
      counting.unlock();
    }
    if (latencies != null) {
      latencies.missed(nanos);
    }
  }

  /** A request answered, for {@link #answered}. */
  record Answered(int rows, Timings times) {}

  /** Counts a request that was refused before it was queued. */
  public void refused(Fault fault) {
    failed(fault, 0);
  }

  /** Counts a request that failed. */
  void failed(Fault fault, long nanos) {
    counting.lock();
    try {
      lastInferenceMillis = System.currentTimeMillis();
      fail.add(1, nanos);
      failures.merge(Reason.of(fault), 1L, Long::sum);
    } finally {
      counting.unlock();
    }
  }

  /** The numbers as of now. */
  public Snapshot snapshot() {
    counting.lock();
    try {
      List<OfBatchSize> sizes = new ArrayList<>();
      batches.forEach((size, sums) -> sizes.add(ofSize(size, sums)));
      return new Snapshot(
          lastInferenceMillis,
          inferences,
          executions,
          success.total(),
          fail.total(),
          queue.total(),
          input.total(),
          infer.total(),
          output.total(),
          cacheHit.total(),
          cacheMiss.total(),
          cacheShared,
          Map.copyOf(failures),
          gathersSkipped,
          gathersCopied,
          List.copyOf(sizes));
    } finally {
      counting.unlock();
    }
  }

  private static OfBatchSize ofSize(int size, BatchSums sums) {
    return new OfBatchSize(size, sums.input.total(), sums.infer.total(), sums.output.total());
  }

  @Override
  public void collect(Sink sink) {
    Snapshot now = snapshot();
    sink.sample(Meter.INFERENCE_SUCCESS, (double) now.success.count, labels);
    for (Reason reason : Reason.values()) {
      sink.sample(
          Meter.INFERENCE_FAILURE,
          (double) now.failures.getOrDefault(reason, 0L),
          labels[0],
          labels[1],
          reason.name());
    }
    sink.sample(Meter.INFERENCE_COUNT, (double) now.inferences, labels);
    sink.sample(Meter.EXECUTION_COUNT, (double) now.executions, labels);
    sink.sample(Meter.REQUEST_DURATION, micros(now.success), labels);
    sink.sample(Meter.QUEUE_DURATION, micros(now.queue), labels);
    sink.sample(Meter.COMPUTE_INPUT_DURATION, micros(now.input), labels);
    sink.sample(Meter.COMPUTE_INFER_DURATION, micros(now.infer), labels);
    sink.sample(Meter.COMPUTE_OUTPUT_DURATION, micros(now.output), labels);
    sink.sample(Meter.GATHERS, (double) now.gathersSkipped, labels[0], labels[1], "skipped");
    sink.sample(Meter.GATHERS, (double) now.gathersCopied, labels[0], labels[1], "copied");
    boolean cached = isCached();
    if (cached) {
      sink.sample(Meter.CACHE_HITS, (double) now.cacheHit.count, labels);
      sink.sample(Meter.CACHE_MISSES, (double) now.cacheMiss.count, labels);
      sink.sample(Meter.CACHE_HIT_DURATION, micros(now.cacheHit), labels);
      sink.sample(Meter.CACHE_MISS_DURATION, micros(now.cacheMiss), labels);
      sink.sample(Meter.CACHE_SHARED, (double) now.cacheShared, labels);
    }
    if (latencies != null) {
      latencies.collect(sink, cached, labels);
    }
    histograms(sink);
  }

  private void histograms(Sink sink) {
    sink.histogram(Meter.REQUEST_SECONDS, requestSeconds, labels);
    sink.histogram(Meter.BATCH_SIZE, batchSizes, labels);
    phases.collect(sink, labels);
    part(sink, "input", inputSeconds);
    part(sink, "infer", inferSeconds);
    part(sink, "output", outputSeconds);
  }

  private boolean isCached() {
    counting.lock();
    try {
      return caching;
    } finally {
      counting.unlock();
    }
  }

  private void part(Sink sink, String name, Histogram histogram) {
    sink.histogram(Meter.EXECUTION_SECONDS, histogram, labels[0], labels[1], name);
  }

  private static double micros(Total total) {
    return total.nanos / 1e3;
  }
}
