package dev.nereid.gateway;

import dev.nereid.core.Ticker;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.util.concurrent.atomic.AtomicInteger;

/** What the gateway counts. Thread-safe. */
final class GatewayMetrics {
  private final Metrics metrics;
  private final Ticker ticker;
  private final AtomicInteger active = new AtomicInteger();

  GatewayMetrics(Metrics metrics, Ticker ticker) {
    this.metrics = metrics;
    this.ticker = ticker;
    metrics.gauge(Meter.API_ACTIVE, active::get);
  }

  long nanos() {
    return ticker.nanos();
  }

  void began() {
    active.incrementAndGet();
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
