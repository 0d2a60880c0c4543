package dev.nereid.telemetry;

/** Something that tells its numbers when asked, instead of counting them in {@link Metrics}. */
@FunctionalInterface
public interface MetricSource {
  /** Tells every number as of now. Called by the scraping thread; must not block for long. */
  void collect(Sink sink);

  /** Takes the numbers. */
  interface Sink {
    /** A counter's or gauge's value, under its labels' values. */
    void sample(Meter meter, double value, String... labelValues);

    /** A histogram's buckets, under its labels' values. */
    void histogram(Meter meter, Histogram histogram, String... labelValues);
  }
}
