package dev.nereid.scheduler;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.RemovalCause;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import dev.nereid.core.MemoryPool;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.MetricSource;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;

/**
 * Answers that were given before, for every model of a server that asks for it with {@code
 * response_cache { enable: true }}.
 *
 * <p><b>Memory.</b> Answers are copied into blocks of the server's pool. When they and what
 * describes them would take more than the limit, those used least, lately and often, go first. An
 * answer bigger than the limit is not kept.
 *
 * <p><b>Threading.</b> Thread-safe. Long inputs are read by threads of its own, since those that
 * bring requests may be event loops.
 */
public final class ResponseCache implements MetricSource, AutoCloseable {
  /** Requests that wait to be looked up at most; further ones run without. */
  static final int MAX_WAITING = 1024;

  private static final long IDLE_SECONDS = 10;

  private final long limit;
  private final MemoryPool memory;
  private final RequestDigest digest = new RequestDigest();
  private final Cache<CacheKey, CachedResponse> answers;
  private final ThreadPoolExecutor threads;
  private final LongAdder evictions = new LongAdder();
  private final LongAdder tooLarge = new LongAdder();
  private final LongAdder noMemory = new LongAdder();
  private final LongAdder busy = new LongAdder();
  private volatile boolean closed;

  /**
   * A cache of so many bytes.
   *
   * @param limit in bytes
   * @param memory where answers are kept
   * @param threads how many threads may read long inputs at a time
   */
  public ResponseCache(long limit, MemoryPool memory, int threads) {
    if (limit < 1 || threads < 1) {
      throw new IllegalArgumentException(
          "limit, threads: %d, %d (expected: at least 1)".formatted(limit, threads));
    }
    this.limit = limit;
    this.memory = memory;
    answers =
        Caffeine.newBuilder()
            .maximumWeight(limit)
            .weigher((CacheKey _, CachedResponse answer) -> answer.weight())
            .executor(Runnable::run)
            .removalListener(
                (@Nullable CacheKey _, @Nullable CachedResponse answer, RemovalCause cause) -> {
                  if (answer != null) {
                    answer.drop();
                  }
                  if (cause.wasEvicted()) {
                    evictions.increment();
                  }
                })
            .build();
    this.threads =
        new ThreadPoolExecutor(
            threads,
            threads,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(MAX_WAITING),
            Thread.ofPlatform().name("cache-", 0).daemon().factory());
    this.threads.allowCoreThreadTimeOut(true);
  }

  RequestDigest digest() {
    return digest;
  }

  /** Runs a look-up on a thread of the cache; false when too many wait. */
  boolean lookUpLater(Runnable lookUp) {
    try {
      threads.execute(lookUp);
      return true;
    } catch (RejectedExecutionException _) {
      busy.increment();
      return false;
    }
  }

  /** What is kept under that key, or null. */
  @Nullable CachedResponse find(CacheKey key) {
    return answers.getIfPresent(key);
  }

  /** Keeps a copy of an answer, if there is room for it. */
  void store(CacheKey key, long owner, InferResponse response) {
    if (closed) {
      return;
    }
    if (CachedResponse.bytes(response.outputs()) + CachedResponse.OVERHEAD
        > Math.min(limit, Integer.MAX_VALUE)) {
      tooLarge.increment();
      return;
    }
    try {
      answers.put(key, CachedResponse.copyOf(owner, response, memory));
    } catch (FaultException _) {
      noMemory.increment();
      return;
    }
    if (closed) {
      answers.invalidateAll();
    }
  }

  /** Drops everything that one load of a model answered. */
  void forget(long owner) {
    answers.asMap().values().removeIf(answer -> answer.owner() == owner);
  }

  /** Bytes held. */
  public long bytes() {
    return answers.policy().eviction().orElseThrow().weightedSize().orElse(0);
  }

  /** Answers held. */
  public long entries() {
    return answers.estimatedSize();
  }

  @Override
  public void collect(Sink sink) {
    sink.sample(Meter.CACHE_BYTES, (double) bytes());
    sink.sample(Meter.CACHE_ENTRIES, (double) entries());
    sink.sample(Meter.CACHE_EVICTIONS, (double) evictions.sum());
    sink.sample(Meter.CACHE_REFUSALS, (double) tooLarge.sum(), "too_large");
    sink.sample(Meter.CACHE_REFUSALS, (double) noMemory.sum(), "memory");
    sink.sample(Meter.CACHE_REFUSALS, (double) busy.sum(), "busy");
  }

  /** Drops everything and keeps nothing from now on. The models that use it are closed before. */
  @Override
  public void close() {
    closed = true;
    threads.shutdown();
    answers.invalidateAll();
  }
}
