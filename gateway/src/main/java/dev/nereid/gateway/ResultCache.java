package dev.nereid.gateway;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.nereid.core.Ticker;
import dev.nereid.telemetry.Counter;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.MetricSource;
import dev.nereid.telemetry.Metrics;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The results kept in this process, and those that gateways share. Thread-safe; a shared memory
 * that is gone or slow costs its hits and nothing else.
 */
final class ResultCache implements MetricSource, AutoCloseable {
  /** What an entry takes besides its bytes, about. */
  private static final int OVERHEAD = 160;

  /** Results above this size are not kept. */
  static final int LARGEST = 1 << 20;

  private final Cache<ResultKey, byte[]> kept;
  private final @Nullable SharedResults shared;
  private final Map<ResultSource, Counter> counted = new EnumMap<>(ResultSource.class);

  private ResultCache(
      ResultCacheOptions options, @Nullable SharedResults shared, Metrics metrics, Ticker ticker) {
    this.shared = shared;
    kept =
        Caffeine.newBuilder()
            .maximumWeight(options.bytes())
            .weigher((ResultKey _, byte[] result) -> result.length + OVERHEAD)
            .expireAfterWrite(options.keep())
            .ticker(ticker::nanos)
            .executor(Runnable::run)
            .recordStats()
            .build();
    for (ResultSource source : ResultSource.values()) {
      counted.put(source, metrics.counter(Meter.RESULT_CACHE_REQUESTS, source.word()));
    }
  }

  /** A cache that is told in the metrics. */
  static ResultCache open(ResultCacheOptions options, Metrics metrics, Ticker ticker) {
    SharedResults shared =
        options.shared() == null ? null : SharedResults.open(options, options.shared(), metrics);
    ResultCache cache = new ResultCache(options, shared, metrics, ticker);
    metrics.register(cache);
    return cache;
  }

  /** What this process keeps under that key, or null. */
  byte @Nullable [] find(ResultKey key) {
    return kept.getIfPresent(key);
  }

  /** Keeps a result here. */
  void keep(ResultKey key, byte[] result) {
    if (result.length <= LARGEST) {
      kept.put(key, result);
    }
  }

  /** What gateways share; null where they share nothing. */
  @Nullable SharedResults shared() {
    return shared;
  }

  void count(ResultSource source) {
    Counter counter = counted.get(source);
    if (counter != null) {
      counter.increment();
    }
  }

  private double total(ResultSource source) {
    Counter counter = counted.get(source);
    return counter == null ? 0 : counter.total();
  }

  @Override
  public void collect(Sink sink) {
    double misses = total(ResultSource.MISS);
    double hits = total(ResultSource.HIT) + total(ResultSource.SHARED) + total(ResultSource.JOINED);
    sink.sample(Meter.RESULT_CACHE_RATIO, hits + misses == 0 ? 0 : hits / (hits + misses));
    sink.sample(Meter.RESULT_CACHE_ENTRIES, (double) kept.estimatedSize());
    sink.sample(
        Meter.RESULT_CACHE_BYTES,
        (double) kept.policy().eviction().orElseThrow().weightedSize().orElse(0));
    sink.sample(Meter.RESULT_CACHE_EVICTIONS, (double) kept.stats().evictionCount());
  }

  @Override
  public void close() {
    kept.invalidateAll();
    if (shared != null) {
      shared.close();
    }
  }
}
