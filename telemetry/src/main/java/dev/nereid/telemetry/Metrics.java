package dev.nereid.telemetry;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.DoubleSupplier;

/**
 * The numbers of one server and their text form. Thread-safe.
 *
 * <p>Counters and histograms are looked up once by whoever counts and then held. What already has
 * its numbers elsewhere, such as the statistics of a model, registers a {@link MetricSource}.
 *
 * <p>The text is written here rather than by the Prometheus client, which appends {@code _total} to
 * every counter: Triton's names have no such ending (docs/decisions/0006-own-exposition.md).
 */
public final class Metrics {
  private final Map<Meter, Map<List<String>, Counter>> counters = new ConcurrentHashMap<>();
  private final Map<Meter, Map<List<String>, Histogram>> histograms = new ConcurrentHashMap<>();
  private final List<MetricSource> sources = new CopyOnWriteArrayList<>();
  private final LatencyOptions latencies;

  /** Numbers without Triton's optional latencies. */
  public Metrics() {
    this(LatencyOptions.OFF);
  }

  /** Numbers with these latencies of models. */
  public Metrics(LatencyOptions latencies) {
    this.latencies = latencies;
  }

  /** Which of Triton's optional latencies are measured. */
  public LatencyOptions latencies() {
    return latencies;
  }

  /** The counter under these labels' values; the same one for the same labels. */
  public Counter counter(Meter meter, String... labelValues) {
    return counters
        .computeIfAbsent(
            require(meter, Meter.Kind.COUNTER, labelValues), _ -> new ConcurrentHashMap<>())
        .computeIfAbsent(List.of(labelValues), _ -> new Counter());
  }

  /** The histogram under these labels' values; the same one for the same labels. */
  public Histogram histogram(Meter meter, String... labelValues) {
    return histograms
        .computeIfAbsent(
            require(meter, Meter.Kind.HISTOGRAM, labelValues), _ -> new ConcurrentHashMap<>())
        .computeIfAbsent(List.of(labelValues), _ -> newHistogram(meter));
  }

  /** A histogram that nobody else sees until a source tells it. */
  public static Histogram newHistogram(Meter meter) {
    return new Histogram(bounds(meter));
  }

  private static double[] bounds(Meter meter) {
    return switch (meter) {
      case BATCH_SIZE, TRITON_BATCH_SIZE -> Histogram.SIZES;
      case TRITON_QUEUE_TIME, TRITON_INFERENCE_TIME -> Histogram.MILLIS;
      default -> Histogram.SECONDS;
    };
  }

  /** Asks for a gauge's value at each scrape. */
  public void gauge(Meter meter, DoubleSupplier value, String... labelValues) {
    require(meter, Meter.Kind.GAUGE, labelValues);
    sources.add(sink -> sink.sample(meter, value.getAsDouble(), labelValues));
  }

  /** Asks that source at each scrape. */
  public void register(MetricSource source) {
    sources.add(source);
  }

  /** Asks that source no more. */
  public void unregister(MetricSource source) {
    sources.remove(source);
  }

  /** All numbers as of now, in the Prometheus text format 0.0.4. */
  public String scrape() {
    Map<Meter, StringBuilder> families = new EnumMap<>(Meter.class);
    MetricSource.Sink sink = new Exposition(families);
    counters.forEach(
        (meter, series) ->
            series.forEach(
                (labels, counter) -> sink.sample(meter, (double) counter.total(), array(labels))));
    histograms.forEach(
        (meter, series) ->
            series.forEach((labels, histogram) -> sink.histogram(meter, histogram, array(labels))));
    sources.forEach(source -> source.collect(sink));
    StringBuilder text = new StringBuilder(16 << 10);
    families.forEach((meter, lines) -> Exposition.family(text, meter).append(lines));
    return text.toString();
  }

  private static String[] array(List<String> labels) {
    return labels.toArray(String[]::new);
  }

  private static Meter require(Meter meter, Meter.Kind kind, String... labelValues) {
    if (meter.kind() != kind || meter.labels().size() != labelValues.length) {
      throw new IllegalArgumentException(
          "%s %s %s (expected: %s with labels %s)"
              .formatted(kind, meter, Arrays.toString(labelValues), meter.kind(), meter.labels()));
    }
    return meter;
  }
}
