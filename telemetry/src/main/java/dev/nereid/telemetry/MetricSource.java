package dev.nereid.telemetry;

import java.util.List;
import java.util.Map;

/** Something that tells its numbers when asked, instead of counting them in {@link Metrics}. */
@FunctionalInterface
public interface MetricSource {
  /** Tells every number as of now. Called by the scraping thread; must not block for long. */
  void collect(Sink sink);

  /** What a summary says at one moment: values in the order of the quantiles, NaN for unknown. */
  record Quantiles(List<Double> quantiles, List<Double> values) {
    public Quantiles {
      quantiles = List.copyOf(quantiles);
      values = List.copyOf(values);
    }
  }

  /** Takes the numbers. */
  interface Sink {
    /** A counter's or gauge's value, under its labels' values. */
    void sample(Meter meter, double value, String... labelValues);

    /** A histogram's buckets, under its labels' values. */
    void histogram(Meter meter, Histogram histogram, String... labelValues);

    /** A summary's quantiles, number and sum, under its labels' values. */
    void summary(Meter meter, Summary summary, Quantiles quantiles, String... labelValues);

    /** The same sink, which puts these labels on every number besides its own. */
    Sink tagged(Map<String, String> tags);
  }
}
