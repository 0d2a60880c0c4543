package dev.nereid.http;

import dev.nereid.core.Timings;
import dev.nereid.telemetry.Counter;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import dev.nereid.telemetry.PhaseHistograms;
import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** Publishes what one listener counts. Thread-safe. */
public final class ListenerMetrics implements HttpMetrics {
  private static final int STATUSES = 600;

  /** As nginx has it: the client closed the connection before its answer. */
  private static final int CLIENT_LEFT = 499;

  private final Metrics metrics;
  private final String listener;
  private final AtomicReferenceArray<Counter> statuses = new AtomicReferenceArray<>(STATUSES);
  private final PhaseHistograms phases = new PhaseHistograms(Meter.REQUEST_PHASE_SECONDS);
  private final Counter handshakes;
  private final Map<Refusal, Counter> refusals = new EnumMap<>(Refusal.class);

  /** Counts under that listener's name. */
  public ListenerMetrics(Metrics metrics, String listener) {
    this.metrics = metrics;
    this.listener = listener;
    this.handshakes = metrics.counter(Meter.TLS_FAILURES, listener);
    for (Refusal refusal : Refusal.values()) {
      String limit = refusal.name().toLowerCase(Locale.ROOT);
      refusals.put(refusal, metrics.counter(Meter.HTTP_REFUSALS, listener, limit));
    }
    metrics.register(sink -> phases.collect(sink, listener));
  }

  /** Publishes the gauges of the listener that reports here. */
  public void observe(HttpListener observed) {
    metrics.gauge(Meter.CONNECTIONS, observed::connections, listener);
    metrics.gauge(Meter.IN_FLIGHT, observed::inFlightRequests, listener);
    metrics.gauge(Meter.IN_FLIGHT_BYTES, observed::inFlightBytes, listener);
  }

  @Override
  public void handshakeFailed() {
    handshakes.increment();
  }

  @Override
  public void refused(Refusal refusal) {
    Counter counter = refusals.get(refusal);
    if (counter != null) {
      counter.increment();
    }
  }

  @Override
  public void answered(int status, long bytesIn, long bytesOut, long nanos) {
    count(status);
  }

  @Override
  public void phases(Timings timings, long encodeNanos) {
    phases.observe(timings, encodeNanos);
  }

  @Override
  public void abandoned() {
    count(CLIENT_LEFT);
  }

  private void count(int status) {
    Counter counter = statuses.get(status);
    if (counter == null) {
      counter = metrics.counter(Meter.HTTP_REQUESTS, listener, Integer.toString(status));
      statuses.set(status, counter);
    }
    counter.increment();
  }
}
