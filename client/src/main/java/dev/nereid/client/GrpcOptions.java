package dev.nereid.client;

import org.jspecify.annotations.Nullable;

/**
 * How a gRPC client reaches its server.
 *
 * @param channels connections to spread calls over
 * @param flowControlWindow bytes a reply may run ahead of its reader, per stream and connection
 * @param tls null for plain text
 */
public record GrpcOptions(
    Endpoint endpoint, int channels, int flowControlWindow, @Nullable TlsOptions tls) {
  private static final int DEFAULT_WINDOW = 8 << 20;

  public GrpcOptions {
    if (channels < 1) {
      throw new IllegalArgumentException("channels: " + channels + " (expected: >= 1)");
    }
    if (flowControlWindow < 65_535) {
      throw new IllegalArgumentException(
          "flowControlWindow: " + flowControlWindow + " (expected: >= 65535)");
    }
  }

  /** One shared channel in plain text. */
  public static GrpcOptions of(Endpoint endpoint) {
    return new GrpcOptions(endpoint, 1, DEFAULT_WINDOW, null);
  }

  /** The same over a pool of channels. */
  public GrpcOptions withChannels(int count) {
    return new GrpcOptions(endpoint, count, flowControlWindow, tls);
  }

  /** The same over TLS. */
  public GrpcOptions withTls(TlsOptions other) {
    return new GrpcOptions(endpoint, channels, flowControlWindow, other);
  }
}
