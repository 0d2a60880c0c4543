package dev.nereid.telemetry;

import dev.nereid.core.Ticker;
import dev.nereid.core.Timings;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Triton's optional latencies of one version of a model. What failed is not in them. Thread-safe;
 * observing never locks.
 */
public final class LatencyMetrics {
  /** Triton's bounds for the first response, in milliseconds. */
  private static final List<Double> FIRST_RESPONSE = List.of(100.0, 500.0, 2000.0, 5000.0);

  private final List<Double> quantiles;
  private final Ticker ticker;
  private final @Nullable Histogram firstResponse;
  private final @Nullable Summaries summaries;

  /** One of each. */
  private static final class Summaries {
    final Summary request = new Summary();
    final Summary queue = new Summary();
    final Summary input = new Summary();
    final Summary infer = new Summary();
    final Summary output = new Summary();
    final Summary hit = new Summary();
    final Summary miss = new Summary();
  }

  private LatencyMetrics(LatencyOptions options, List<Double> bounds, Ticker ticker) {
    quantiles = options.quantiles();
    this.ticker = ticker;
    List<Double> used = bounds.isEmpty() ? FIRST_RESPONSE : bounds;
    // The last bucket has no bound in any case.
    double[] finite = used.stream().mapToDouble(bound -> bound).filter(Double::isFinite).toArray();
    firstResponse = options.histograms() ? new Histogram(finite) : null;
    summaries = options.summaries() ? new Summaries() : null;
  }

  /**
   * Empty ones; null when none is wanted.
   *
   * @param bounds of the buckets for the first response, in milliseconds; empty for Triton's
   */
  public static @Nullable LatencyMetrics of(
      LatencyOptions options, List<Double> bounds, Ticker ticker) {
    return options.isOff() ? null : new LatencyMetrics(options, bounds, ticker);
  }

  /** Counts an answer. */
  public void answered(Timings times) {
    long total = times.ended() - times.queued();
    if (firstResponse != null) {
      firstResponse.observe(total * 1e-6);
    }
    if (summaries != null) {
      long now = ticker.nanos();
      summaries.request.observe(total, now);
      summaries.queue.observe(times.queueNanos(), now);
      summaries.input.observe(times.inputNanos(), now);
      summaries.infer.observe(times.inferNanos(), now);
      summaries.output.observe(times.outputNanos(), now);
    }
  }

  /**
   * Counts an answer from the response cache.
   *
   * @param total nanoseconds from its arrival
   * @param waited of them, for an equal request's run
   */
  public void hit(long total, long waited) {
    if (firstResponse != null) {
      firstResponse.observe(total * 1e-6);
    }
    if (summaries != null) {
      long now = ticker.nanos();
      summaries.request.observe(total, now);
      summaries.queue.observe(waited, now);
      summaries.hit.observe(total - waited, now);
    }
  }

  /** Counts a look-up in vain, and the keeping of the answer. */
  public void missed(long nanos) {
    if (summaries != null) {
      summaries.miss.observe(nanos, ticker.nanos());
    }
  }

  /**
   * Tells them.
   *
   * @param cached whether the model has a response cache
   */
  public void collect(MetricSource.Sink sink, boolean cached, String... labels) {
    if (firstResponse != null) {
      sink.histogram(Meter.FIRST_RESPONSE, firstResponse, labels);
    }
    if (summaries == null) {
      return;
    }
    tell(sink, Meter.REQUEST_SUMMARY, summaries.request, labels);
    tell(sink, Meter.QUEUE_SUMMARY, summaries.queue, labels);
    tell(sink, Meter.COMPUTE_INPUT_SUMMARY, summaries.input, labels);
    tell(sink, Meter.COMPUTE_INFER_SUMMARY, summaries.infer, labels);
    tell(sink, Meter.COMPUTE_OUTPUT_SUMMARY, summaries.output, labels);
    if (cached) {
      tell(sink, Meter.CACHE_HIT_SUMMARY, summaries.hit, labels);
      tell(sink, Meter.CACHE_MISS_SUMMARY, summaries.miss, labels);
    }
  }

  private void tell(MetricSource.Sink sink, Meter meter, Summary summary, String... labels) {
    List<Double> values = summary.quantiles(quantiles, ticker.nanos());
    sink.summary(meter, summary, new MetricSource.Quantiles(quantiles, values), labels);
  }
}
