package dev.nereid.app;

import dev.nereid.gateway.ResultCacheOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options on the results that the image gateway keeps. */
final class ResultCacheFlags {
  private static final String OFF = "off";
  private static final String LOCAL = "local";

  @Option(
      names = "--result-cache",
      paramLabel = "WHERE",
      description = {
        "Where results for pictures are kept: off, local for the gateway's own memory, or",
        "redis://[USER:PASSWORD@]HOST[:PORT] (rediss:// for TLS) for a Redis beside it, which",
        "several gateways share (${DEFAULT-VALUE})."
      })
  private String where = OFF;

  @Option(
      names = "--result-cache-size",
      paramLabel = "BYTES",
      description = "How much of the gateway's own memory (${DEFAULT-VALUE}).")
  private long bytes = ResultCacheOptions.DEFAULT.bytes();

  @Option(
      names = "--result-cache-ttl-secs",
      paramLabel = "SECONDS",
      description = "How long a result counts (${DEFAULT-VALUE}).")
  private long keepSeconds = ResultCacheOptions.DEFAULT.keep().toSeconds();

  @Option(
      names = "--result-cache-timeout-ms",
      paramLabel = "MILLIS",
      description = "How long Redis may take before the model is run instead (${DEFAULT-VALUE}).")
  private long patienceMillis = ResultCacheOptions.DEFAULT.patience().toMillis();

  @Nullable ResultCacheOptions options() {
    if (where.equals(OFF)) {
      return null;
    }
    URI shared = where.equals(LOCAL) ? null : redis();
    return new ResultCacheOptions(
        bytes, Duration.ofSeconds(keepSeconds), shared, Duration.ofMillis(patienceMillis));
  }

  /** Messages have no word of what was given: it may hold a password. */
  private URI redis() {
    try {
      URI redis = new URI(where);
      if (redis.getHost() != null) {
        return redis;
      }
    } catch (URISyntaxException _) {
      // as below
    }
    throw new IllegalArgumentException(
        "--result-cache: not understood (expected: off, local or redis://HOST[:PORT])");
  }
}
