package dev.nereid.client;

/**
 * Where a server listens.
 *
 * @param host a name or address; an IPv6 address without brackets
 */
public record Endpoint(String host, int port) {
  public Endpoint {
    if (host.isBlank()) {
      throw new IllegalArgumentException("host: '" + host + "' (expected: not blank)");
    }
    if (port < 1 || port > 65_535) {
      throw new IllegalArgumentException("port: " + port + " (expected: 1 to 65535)");
    }
  }

  /**
   * Reads {@code host}, {@code host:port}, {@code http://host:port/} or {@code grpc://host:port}.
   *
   * @param defaultPort taken where the text names none
   */
  public static Endpoint parse(String text, int defaultPort) {
    String rest = text.strip();
    int scheme = rest.indexOf("://");
    if (scheme >= 0) {
      String name = rest.substring(0, scheme);
      if (!name.equals("http") && !name.equals("grpc")) {
        throw new IllegalArgumentException(
            "url: '" + text + "' (expected: http://, grpc:// or no scheme)");
      }
      rest = rest.substring(scheme + 3);
    }
    int path = rest.indexOf('/');
    rest = path < 0 ? rest : rest.substring(0, path);
    int bracket = rest.indexOf(']');
    int colon = rest.indexOf(':', Math.max(0, bracket));
    String host = colon < 0 ? rest : rest.substring(0, colon);
    if (bracket > 0) {
      host = host.substring(1, bracket);
    }
    try {
      return new Endpoint(
          host, colon < 0 ? defaultPort : Integer.parseInt(rest.substring(colon + 1)));
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "url: '" + text + "' (expected: a number after the colon)", e);
    }
  }

  /** The same host at another port. */
  public Endpoint withPort(int other) {
    return new Endpoint(host, other);
  }

  /** {@code host:port}, as a Host header and a gRPC target show it. */
  @Override
  public String toString() {
    return (host.indexOf(':') >= 0 ? "[" + host + "]" : host) + ":" + port;
  }
}
