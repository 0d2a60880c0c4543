package dev.nereid.tracing;

import java.net.URI;
import java.time.Duration;
import java.util.Map;

/**
 * Which requests are traced, and where their spans go.
 *
 * @param endpoint that takes OTLP over HTTP, with its path: {@code http://host:4318/v1/traces}
 * @param headers sent along, such as a collector's key; told in no message
 * @param service the name of this program in traces
 * @param resource what else is told of it, by key
 * @param ratio of the requests that begin a trace here, 0 to 1; those that come with one are traced
 *     if it is
 */
public record TracingOptions(
    URI endpoint,
    Map<String, String> headers,
    String service,
    Map<String, String> resource,
    double ratio,
    Queue queue) {

  /**
   * Spans on their way to the collector.
   *
   * @param spans that wait at most; more are dropped
   * @param batch sent in one message at most
   * @param delay after which spans are sent though a batch is not full
   * @param timeout for the collector to take a message, repetitions included
   */
  public record Queue(int spans, int batch, Duration delay, Duration timeout) {
    /** 16,384 spans, 512 in a message, every second, 10 s. */
    public static final Queue DEFAULT =
        new Queue(16_384, 512, Duration.ofSeconds(1), Duration.ofSeconds(10));

    public Queue {
      require(spans >= 1, "trace queue", spans, ">= 1");
      require(batch >= 1 && batch <= spans, "trace batch", batch, "1 to " + spans);
      require(delay.toMillis() >= 1, "trace delay", delay, ">= 1 ms");
      require(timeout.toMillis() >= 1, "trace timeout", timeout, ">= 1 ms");
    }
  }

  public TracingOptions {
    headers = Map.copyOf(headers);
    resource = Map.copyOf(resource);
    boolean web = "http".equals(endpoint.getScheme()) || "https".equals(endpoint.getScheme());
    require(
        web && endpoint.getHost() != null && endpoint.getUserInfo() == null,
        "trace endpoint",
        "not understood",
        "http://HOST:PORT or https://HOST:PORT");
    require(ratio >= 0 && ratio <= 1, "trace sample rate", ratio, "0 to 1");
    require(!service.isBlank(), "trace service name", "'" + service + "'", "not blank");
  }

  private static void require(boolean holds, String name, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: " + expected + ")");
    }
  }

  /** Without the values of headers, which may be keys. */
  @Override
  public String toString() {
    return "TracingOptions[endpoint=%s, headers=%s, service=%s, resource=%s, ratio=%s, queue=%s]"
        .formatted(endpoint, headers.keySet(), service, resource, ratio, queue);
  }
}
