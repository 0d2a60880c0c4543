package dev.nereid.engine;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelMetrics.MetricControl;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.scheduler.CachingScheduler;
import dev.nereid.scheduler.ExecutionStatistics;
import dev.nereid.scheduler.ModelScheduler;
import dev.nereid.scheduler.RateLimiter;
import dev.nereid.scheduler.ResponseCache;
import dev.nereid.telemetry.LatencyMetrics;
import dev.nereid.telemetry.LatencyOptions;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the models of one engine share. Thread-safe; closed after the last of them. */
final class SharedResources implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SharedResources.class);

  private final Ticker ticker;
  private final LatencyOptions latencies;
  private final Backends backends;
  private final @Nullable ResponseCache cache;
  private final @Nullable RateLimiter limiter;

  SharedResources(EngineOptions options, MemoryPool memory, Ticker ticker, Metrics metrics) {
    this.ticker = ticker;
    latencies = metrics.latencies();
    backends = Backends.found(options.shared().backendDirectories(), options.repositories());
    long bytes = options.shared().cacheBytes();
    cache = bytes == 0 ? null : new ResponseCache(bytes, memory, options.cores());
    if (cache != null) {
      metrics.register(cache);
    }
    limiter = options.shared().rateLimit() ? new RateLimiter(options.shared().resources()) : null;
    if (limiter != null) {
      metrics.register(limiter);
    }
  }

  /** The back ends that can be had. */
  Backends backends() {
    return backends;
  }

  /** Where instances get the resources they declare; null when that is of no concern. */
  @Nullable RateLimiter limiter() {
    return limiter;
  }

  /** What a version that is loaded anew counts on. */
  ExecutionStatistics statistics(ModelConfig config, long version) {
    List<Double> bounds =
        config.getModelMetrics().getMetricControlList().stream()
            .filter(SharedResources::isOfFirstResponse)
            .findFirst()
            .map(control -> control.getHistogramOptions().getBucketsList())
            .orElse(List.of());
    return new ExecutionStatistics(
        config.getName(), version, LatencyMetrics.of(latencies, bounds, ticker));
  }

  /** Whether that is about the one histogram whose buckets a model may choose. */
  static boolean isOfFirstResponse(MetricControl control) {
    return control.getMetricIdentifier().getFamily().equals(Meter.FIRST_RESPONSE.id());
  }

  /** The scheduler, behind the response cache where the model asks for it. */
  ModelScheduler cached(
      ModelScheduler scheduler, ModelConfig config, ExecutionStatistics statistics) {
    if (!config.getResponseCache().getEnable()) {
      return scheduler;
    }
    if (cache == null) {
      LOG.warn(
          "model '{}': response_cache is enabled and has no effect, since the server has no cache"
              + " (expected: --cache-config=local,size=BYTES)",
          config.getName());
      return scheduler;
    }
    return new CachingScheduler(scheduler, config, cache, ticker, statistics);
  }

  @Override
  public void close() {
    if (cache != null) {
      cache.close();
    }
    backends.close();
  }
}
