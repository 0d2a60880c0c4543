package dev.nereid.gateway;

import dev.nereid.telemetry.Counter;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisChannelHandler;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisConnectionStateListener;
import io.lettuce.core.RedisURI;
import io.lettuce.core.SetArgs;
import io.lettuce.core.SocketOptions;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultClientResources;
import io.lettuce.core.resource.Delay;
import java.net.SocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The results that gateways share, in Redis. Nothing here blocks or fails: while Redis is gone,
 * slow or wrong, nothing is found, and nothing is kept. Thread-safe; outcomes arrive on Lettuce's
 * threads.
 */
final class SharedResults implements AutoCloseable {
  /*
   * Connection. One, for all; commands are pipelined on it. Made in the background, again and again
   * until it stands the first time; from then on Lettuce renews it.
   * Trouble. Without a connection nothing is asked. Of answers that fail or are late, five make the
   * breaker open: then nothing is asked for PAUSE, and a few commands try whether it is over.
   */
  private static final Logger LOG = LoggerFactory.getLogger(SharedResults.class);
  private static final byte[] PREFIX = "nereid:result:1:".getBytes(StandardCharsets.US_ASCII);
  private static final Duration PAUSE = Duration.ofSeconds(1);
  private static final long RECONNECT_MILLIS = 500;
  private static final int QUEUED = 4096;

  private final String where;
  private final long keepSeconds;
  private final ClientResources resources;
  private final RedisClient client;
  private final RedisURI uri;
  private final CircuitBreaker breaker;
  private final Counter late;
  private final Counter failed;
  private final Counter skipped;
  private volatile @Nullable StatefulRedisConnection<byte[], byte[]> connection;
  private volatile boolean closed;

  private SharedResults(ResultCacheOptions options, URI target, Metrics metrics) {
    where = target.getHost() + (target.getPort() < 0 ? "" : ":" + target.getPort());
    keepSeconds = options.keep().toSeconds();
    late = metrics.counter(Meter.RESULT_CACHE_SHARED_FAILURES, "late");
    failed = metrics.counter(Meter.RESULT_CACHE_SHARED_FAILURES, "failed");
    skipped = metrics.counter(Meter.RESULT_CACHE_SHARED_FAILURES, "skipped");
    breaker =
        CircuitBreaker.of(
            "redis",
            CircuitBreakerConfig.custom()
                .slidingWindowSize(10)
                .minimumNumberOfCalls(5)
                .failureRateThreshold(50)
                .waitDurationInOpenState(PAUSE)
                .permittedNumberOfCallsInHalfOpenState(3)
                .build());
    uri = RedisURI.create(target);
    uri.setTimeout(options.patience());
    resources =
        DefaultClientResources.builder()
            .ioThreadPoolSize(2)
            .computationThreadPoolSize(2)
            .reconnectDelay(Delay.constant(Duration.ofMillis(RECONNECT_MILLIS)))
            .build();
    client = RedisClient.create(resources);
    client.setOptions(clientOptions(options.patience()));
    client.addListener(new Told());
  }

  private static ClientOptions clientOptions(Duration patience) {
    return ClientOptions.builder()
        .autoReconnect(true)
        .disconnectedBehavior(ClientOptions.DisconnectedBehavior.REJECT_COMMANDS)
        .requestQueueSize(QUEUED)
        .timeoutOptions(TimeoutOptions.enabled(patience))
        .socketOptions(SocketOptions.builder().connectTimeout(PAUSE).build())
        .build();
  }

  /** Connects in the background; Redis does not have to be there. */
  static SharedResults open(ResultCacheOptions options, URI target, Metrics metrics) {
    SharedResults shared = new SharedResults(options, target, metrics);
    metrics.gauge(Meter.RESULT_CACHE_SHARED_UP, () -> shared.isUp() ? 1 : 0);
    shared.connect(true);
    return shared;
  }

  private void connect(boolean firstTime) {
    if (closed) {
      return;
    }
    var _ =
        client
            .connectAsync(ByteArrayCodec.INSTANCE, uri)
            .whenComplete(
                (made, trouble) -> {
                  if (made == null) {
                    if (firstTime) {
                      LOG.warn("result cache: no Redis at {} yet: {}", where, reason(trouble));
                    }
                    retry();
                  } else {
                    connected(made);
                  }
                });
  }

  /** What lies at the bottom tells more: a wrong password, a port where nobody listens. */
  private static String reason(Throwable trouble) {
    Throwable root = trouble;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return String.valueOf(root.getMessage());
  }

  private void retry() {
    try {
      var _ =
          resources
              .eventExecutorGroup()
              .schedule(() -> connect(false), RECONNECT_MILLIS, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException _) {
      LOG.debug("result cache: ends while Redis is not there");
    }
  }

  private void connected(StatefulRedisConnection<byte[], byte[]> made) {
    connection = made;
    if (closed) {
      var _ = made.closeAsync();
    }
  }

  /** Whether there is a connection, and its breaker lets commands through. */
  boolean isUp() {
    var known = connection;
    return known != null && known.isOpen() && breaker.getState() == CircuitBreaker.State.CLOSED;
  }

  /** What is kept under that key; null when nothing is, or nobody can tell. Never fails. */
  CompletionStage<byte @Nullable []> find(ResultKey key) {
    var known = connection;
    if (known == null) {
      return skip();
    }
    return guarded(known, () -> known.async().get(name(key)));
  }

  /** Keeps a result, if it can. */
  void keep(ResultKey key, byte[] result) {
    var known = connection;
    if (known != null && result.length <= ResultCache.LARGEST) {
      SetArgs expiring = SetArgs.Builder.ex(keepSeconds);
      var _ = guarded(known, () -> known.async().set(name(key), result, expiring));
    }
  }

  private <T> CompletionStage<@Nullable T> guarded(
      StatefulRedisConnection<byte[], byte[]> known, Supplier<? extends CompletionStage<T>> ask) {
    if (closed || !known.isOpen() || !breaker.tryAcquirePermission()) {
      return skip();
    }
    long began = System.nanoTime();
    CompletionStage<T> asked;
    try {
      asked = ask.get();
    } catch (RuntimeException e) {
      asked = CompletableFuture.failedStage(e);
    }
    return asked.handle((answer, trouble) -> told(answer, trouble, System.nanoTime() - began));
  }

  private <T> @Nullable T told(@Nullable T answer, @Nullable Throwable trouble, long nanos) {
    if (trouble == null) {
      breaker.onSuccess(nanos, TimeUnit.NANOSECONDS);
      return answer;
    }
    breaker.onError(nanos, TimeUnit.NANOSECONDS, trouble);
    (trouble instanceof RedisCommandTimeoutException ? late : failed).increment();
    LOG.debug("result cache: Redis at {}", where, trouble);
    return null;
  }

  private <T> CompletionStage<@Nullable T> skip() {
    skipped.increment();
    return CompletableFuture.completedStage(null);
  }

  /** Tells people what became of the connection. */
  private final class Told implements RedisConnectionStateListener {
    @Override
    public void onRedisConnected(RedisChannelHandler<?, ?> on, SocketAddress at) {
      LOG.info("result cache: shared through Redis at {}", where);
    }

    @Override
    public void onRedisDisconnected(RedisChannelHandler<?, ?> from) {
      if (!closed) {
        LOG.warn("result cache: Redis at {} is gone; results are kept here alone", where);
      }
    }
  }

  private static byte[] name(ResultKey key) {
    return ByteBuffer.allocate(PREFIX.length + 4 * Long.BYTES)
        .put(PREFIX)
        .putLong(key.first())
        .putLong(key.second())
        .putLong(key.third())
        .putLong(key.fourth())
        .array();
  }

  @Override
  public void close() {
    closed = true;
    client.shutdown(0, 1, TimeUnit.SECONDS);
    resources.shutdown(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(1, TimeUnit.SECONDS);
  }
}
