package dev.nereid.telemetry;

import dev.nereid.core.Phase;
import dev.nereid.core.Timings;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Objects;

/**
 * A histogram for each phase of a request; one that never happened is not told. Thread-safe;
 * observing allocates nothing.
 */
public final class PhaseHistograms {
  private static final Phase[] PHASES = Phase.values();

  private final Meter meter;
  private final EnumMap<Phase, Histogram> histograms = new EnumMap<>(Phase.class);

  /** Empty ones, told under that meter. */
  public PhaseHistograms(Meter meter) {
    this.meter = meter;
    for (Phase phase : PHASES) {
      histograms.put(phase, Metrics.newHistogram(meter));
    }
  }

  /** Counts one phase of an answer that took no other. */
  public void observe(Phase phase, long nanos) {
    of(phase).observeNanos(nanos);
  }

  /** Counts what is known once outputs are ready: every phase but encoding. */
  public void observe(Timings timings) {
    if (timings.steps().isEmpty() && timings.decodeNanos() == 0) {
      of(Phase.QUEUE).observeNanos(timings.queueNanos());
      of(timings.kind()).observeNanos(timings.ended() - timings.started());
      return;
    }
    for (Phase phase : PHASES) {
      long nanos = timings.nanos(phase);
      if (nanos > 0 || phase == Phase.QUEUE) {
        of(phase).observeNanos(nanos);
      }
    }
  }

  /** Counts all phases of an answer whose encoding took that long. */
  public void observe(Timings timings, long encodeNanos) {
    observe(timings);
    of(Phase.ENCODE).observeNanos(encodeNanos);
  }

  /** Tells those that were observed, under these labels and the phase's word. */
  public void collect(MetricSource.Sink sink, String... labels) {
    String[] values = Arrays.copyOf(labels, labels.length + 1);
    histograms.forEach(
        (phase, histogram) -> {
          if (!histogram.isEmpty()) {
            values[labels.length] = phase.word();
            sink.histogram(meter, histogram, values.clone());
          }
        });
  }

  private Histogram of(Phase phase) {
    return Objects.requireNonNull(histograms.get(phase));
  }
}
