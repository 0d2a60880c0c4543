package dev.nereid.gateway;

import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How results are kept.
 *
 * @param bytes of results and what describes them, in this process
 * @param keep how long a result counts
 * @param shared where gateways share results: {@code redis://HOST[:PORT]}, or {@code rediss://} for
 *     TLS, with {@code USER:PASSWORD@} where it asks for them; null for nowhere
 * @param patience how long the shared memory may take to answer
 */
public record ResultCacheOptions(
    long bytes, Duration keep, @Nullable URI shared, Duration patience) {
  /** 64 MiB, an hour, nothing shared. */
  public static final ResultCacheOptions DEFAULT =
      new ResultCacheOptions(64L << 20, Duration.ofHours(1), null, Duration.ofMillis(50));

  public ResultCacheOptions {
    if (bytes < 1) {
      throw new IllegalArgumentException("result-cache-size: " + bytes + " (expected: >= 1)");
    }
    if (keep.toSeconds() < 1) {
      throw new IllegalArgumentException("result-cache-ttl-secs: " + keep + " (expected: >= 1 s)");
    }
    if (!patience.isPositive()) {
      throw new IllegalArgumentException(
          "result-cache-timeout-ms: " + patience + " (expected: positive)");
    }
    if (shared != null && (shared.getHost() == null || !isRedis(shared.getScheme()))) {
      throw new IllegalArgumentException(
          "result-cache: " + shared.getScheme() + "://... (expected: redis://HOST[:PORT])");
    }
  }

  private static boolean isRedis(@Nullable String scheme) {
    return "redis".equals(scheme) || "rediss".equals(scheme);
  }

  /** These options with a memory that gateways share. */
  public ResultCacheOptions sharedBy(URI redis) {
    return new ResultCacheOptions(bytes, keep, redis, patience);
  }

  /** Tells where, and no password. */
  @Override
  public String toString() {
    String where = shared == null ? "local" : shared.getScheme() + "://" + shared.getHost();
    return "ResultCacheOptions[" + bytes + ", " + keep + ", " + where + ", " + patience + "]";
  }
}
