package dev.nereid.client;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How a gRPC channel behaves.
 *
 * @param flowControlWindow bytes a reply may run ahead of its reader, per stream and connection
 * @param keepAlive how a dead connection is found that nobody closed
 * @param tls null for plain text
 * @param credentials shown with every call; null for none
 */
public record ChannelOptions(
    int flowControlWindow,
    KeepAlive keepAlive,
    @Nullable TlsOptions tls,
    @Nullable UpstreamCredentials credentials) {
  private static final int DEFAULT_WINDOW = 8 << 20;

  /** A window of 8 MiB, and pings as {@link KeepAlive#DEFAULT} has them. */
  public static final ChannelOptions DEFAULT =
      new ChannelOptions(DEFAULT_WINDOW, KeepAlive.DEFAULT, null, null);

  public ChannelOptions {
    if (flowControlWindow < 65_535) {
      throw new IllegalArgumentException(
          "flowControlWindow: " + flowControlWindow + " (expected: >= 65535)");
    }
  }

  /** These options with other pings. */
  public ChannelOptions withKeepAlive(KeepAlive other) {
    return new ChannelOptions(flowControlWindow, other, tls, credentials);
  }

  /** These options over TLS. */
  public ChannelOptions over(TlsOptions other) {
    return new ChannelOptions(flowControlWindow, keepAlive, other, credentials);
  }

  /** These options with something to show. */
  public ChannelOptions showing(UpstreamCredentials other) {
    return new ChannelOptions(flowControlWindow, keepAlive, tls, other);
  }

  /**
   * Pings on a silent connection. A server that is asked more often than it allows ends the
   * connection.
   *
   * @param time of silence before a ping; less than ten seconds counts as ten
   * @param timeout until an unanswered ping ends the connection
   * @param withoutCalls whether a connection without calls is pinged too
   */
  public record KeepAlive(Duration time, Duration timeout, boolean withoutCalls) {
    /** Triton's: after two hours, 20 seconds, not without calls. */
    public static final KeepAlive DEFAULT =
        new KeepAlive(Duration.ofHours(2), Duration.ofSeconds(20), false);

    public KeepAlive {
      requirePositive("keepalive-time", time);
      requirePositive("keepalive-timeout", timeout);
    }

    private static void requirePositive(String name, Duration value) {
      if (value.isNegative() || value.isZero()) {
        throw new IllegalArgumentException(name + ": " + value + " (expected: above zero)");
      }
    }
  }
}
