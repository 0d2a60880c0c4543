package dev.nereid.client;

import org.jspecify.annotations.Nullable;

/**
 * How an HTTP client reaches its server.
 *
 * @param maxConnections kept alive at most; calls beyond wait for one
 * @param maxWaiting calls that may wait; more fail with a failure of kind LIMIT
 * @param binary whether tensors travel as bytes after the JSON, not inside it
 * @param tls null for plain text
 */
public record HttpOptions(
    Endpoint endpoint,
    int maxConnections,
    int maxWaiting,
    boolean binary,
    @Nullable TlsOptions tls) {
  private static final int DEFAULT_CONNECTIONS = 64;
  private static final int DEFAULT_WAITING = 10_000;

  public HttpOptions {
    if (maxConnections < 1) {
      throw new IllegalArgumentException("maxConnections: " + maxConnections + " (expected: >= 1)");
    }
    if (maxWaiting < 0) {
      throw new IllegalArgumentException("maxWaiting: " + maxWaiting + " (expected: >= 0)");
    }
  }

  /** 64 connections, binary tensors, plain text. */
  public static HttpOptions of(Endpoint endpoint) {
    return new HttpOptions(endpoint, DEFAULT_CONNECTIONS, DEFAULT_WAITING, true, null);
  }

  /** The same over at most so many connections. */
  public HttpOptions withMaxConnections(int count) {
    return new HttpOptions(endpoint, count, maxWaiting, binary, tls);
  }

  /** The same with at most so many calls that wait for a connection. */
  public HttpOptions withMaxWaiting(int count) {
    return new HttpOptions(endpoint, maxConnections, count, binary, tls);
  }

  /** The same with numbers inside the JSON. */
  public HttpOptions withJson() {
    return new HttpOptions(endpoint, maxConnections, maxWaiting, false, tls);
  }

  /** The same over TLS. */
  public HttpOptions withTls(TlsOptions other) {
    return new HttpOptions(endpoint, maxConnections, maxWaiting, binary, other);
  }
}
