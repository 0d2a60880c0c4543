package dev.nereid.client;

/**
 * How a gRPC client reaches its server.
 *
 * @param channels connections to spread calls over
 * @param flowControlWindow bytes a reply may run ahead of its reader, per stream and connection
 */
public record GrpcOptions(Endpoint endpoint, int channels, int flowControlWindow) {
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

  /** One shared channel. */
  public static GrpcOptions of(Endpoint endpoint) {
    return new GrpcOptions(endpoint, 1, DEFAULT_WINDOW);
  }

  /** The same over a pool of channels. */
  public GrpcOptions withChannels(int count) {
    return new GrpcOptions(endpoint, count, flowControlWindow);
  }
}
