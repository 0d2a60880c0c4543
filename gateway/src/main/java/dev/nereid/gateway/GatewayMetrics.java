package dev.nereid.gateway;

import dev.nereid.core.Ticker;
import dev.nereid.core.Timings;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What the gateway counts. Thread-safe. */
final class GatewayMetrics {
  private final Metrics metrics;
  private final Ticker ticker;
  private final @Nullable TritonMetrics models;
  private final AtomicInteger active = new AtomicInteger();

  GatewayMetrics(Metrics metrics, Serving serving) {
    this.metrics = metrics;
    ticker = serving.ticker();
    TritonMetrics told = new TritonMetrics(serving);
    metrics.register(told);
    models = serving.upstreams() == null ? told : null;
    metrics.gauge(Meter.API_ACTIVE, active::get);
  }

  long nanos() {
    return ticker.nanos();
  }

  void began() {
    active.incrementAndGet();
  }

  /** A picture was answered. */
  void answered(Timings timings) {
    if (models != null) {
      models.answered(timings);
    }
  }

  void ended(String endpoint, int status, long nanos) {
    active.decrementAndGet();
    metrics.counter(Meter.API_REQUESTS, endpoint, Integer.toString(status)).increment();
    metrics.histogram(Meter.API_DURATION, endpoint).observeNanos(nanos);
  }

  String scrape() {
    return metrics.scrape();
  }
}
