package dev.nereid.bench;

import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * One of the servers compared. What it does not offer is null.
 *
 * @param metrics its metrics page
 */
record ProtocolTarget(
    String name,
    @Nullable Endpoint http,
    @Nullable Endpoint grpc,
    @Nullable Endpoint rest,
    @Nullable Endpoint metrics) {
  private static final int HTTP_PORT = 8000;
  private static final int GRPC_PORT = 8001;
  private static final int METRICS_PORT = 8002;
  private static final int REST_PORT = 9600;

  /** All the usual ports of one host. */
  static ProtocolTarget ofHost(String name, String host) {
    Endpoint endpoint = Endpoint.parse(host, HTTP_PORT);
    return new ProtocolTarget(
        name,
        endpoint.withPort(HTTP_PORT),
        endpoint.withPort(GRPC_PORT),
        endpoint.withPort(REST_PORT),
        endpoint.withPort(METRICS_PORT));
  }

  /**
   * Reads {@code NAME=HOST} for all the usual ports, or {@code NAME=} and addresses such as {@code
   * http://host:8000,grpc://host:8001,rest://host:9600,metrics://host:8002}, any of them.
   */
  static ProtocolTarget parse(String text) {
    int equals = text.indexOf('=');
    if (equals < 1) {
      throw new IllegalArgumentException(
          "--target: '" + text + "' (expected: NAME=HOST or NAME=http://..,grpc://..,rest://..)");
    }
    String name = text.substring(0, equals).strip();
    String rest = text.substring(equals + 1).strip();
    if (!rest.contains("://")) {
      return ofHost(name, rest);
    }
    ProtocolTarget target = new ProtocolTarget(name, null, null, null, null);
    for (String address : rest.split(",", -1)) {
      int scheme = address.indexOf("://");
      String kind = scheme < 0 ? "" : address.substring(0, scheme).strip();
      target = target.with(kind, "http://" + address.substring(scheme + 3));
    }
    return target;
  }

  /** The same with one more address. */
  ProtocolTarget with(String kind, String url) {
    return switch (kind) {
      case "http" -> new ProtocolTarget(name, Endpoint.parse(url, HTTP_PORT), grpc, rest, metrics);
      case "grpc" -> new ProtocolTarget(name, http, Endpoint.parse(url, GRPC_PORT), rest, metrics);
      case "rest" -> new ProtocolTarget(name, http, grpc, Endpoint.parse(url, REST_PORT), metrics);
      case "metrics" ->
          new ProtocolTarget(name, http, grpc, rest, Endpoint.parse(url, METRICS_PORT));
      default ->
          throw new IllegalArgumentException(
              "--target: '" + kind + "://' (expected: http, grpc, rest or metrics)");
    };
  }

  /** Where that route leads, or null. */
  @Nullable Endpoint of(Route route) {
    return switch (route) {
      case GRPC -> grpc;
      case BINARY, JSON -> http;
      case MULTIPART, BASE64 -> rest;
    };
  }

  /** A reader of what it counts; the loops outlive it. */
  ServerProbe probe(EventLoops loops) {
    Endpoint statistics = http != null ? http : new Endpoint("127.0.0.1", 1);
    URI page = metrics == null ? null : URI.create("http://" + metrics + "/metrics");
    return new ServerProbe(
        page, 0, new HttpInferenceClient(HttpOptions.of(statistics).withMaxConnections(2), loops));
  }
}
