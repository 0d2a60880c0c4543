package dev.nereid.tracing;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.trace.v1.ResourceSpans;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import java.util.zip.GZIPInputStream;

/** Plays a collector: takes spans in OTLP over HTTP, on a port that the system chose. */
public final class Collector implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** What is answered: 200 for taken. */
  public volatile int status = 200;

  /** The headers of the latest message. */
  public final Map<String, String> headers = new ConcurrentHashMap<>();

  private final HttpServer server;
  private final List<Received> spans = new CopyOnWriteArrayList<>();

  /** A span with what sent it. */
  public record Received(Map<String, String> resource, Span span) {
    /** Its name. */
    public String name() {
      return span.getName();
    }

    /** The program that it happened in. */
    public String service() {
      return resource.getOrDefault("service.name", "");
    }

    /** The trace's name. */
    public String traceId() {
      return HexFormat.of().formatHex(span.getTraceId().toByteArray());
    }

    /** Its own name. */
    public String id() {
      return HexFormat.of().formatHex(span.getSpanId().toByteArray());
    }

    /** The name of the span it stands below; empty at the top. */
    public String parentId() {
      return HexFormat.of().formatHex(span.getParentSpanId().toByteArray());
    }

    /** What was kept with it under that key; empty for nothing. */
    public String told(String key) {
      return texts(span.getAttributesList()).getOrDefault(key, "");
    }

    /** Whether it failed. */
    public boolean isError() {
      return span.getStatus().getCode() == Status.StatusCode.STATUS_CODE_ERROR;
    }

    /** How long it took. */
    public long nanos() {
      return span.getEndTimeUnixNano() - span.getStartTimeUnixNano();
    }

    /** Whether it lies in the other's time. */
    public boolean isWithin(Received other) {
      return span.getStartTimeUnixNano() >= other.span.getStartTimeUnixNano()
          && span.getEndTimeUnixNano() <= other.span.getEndTimeUnixNano();
    }
  }

  /** A collector that listens. */
  public Collector() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/v1/traces", this::take);
    server.start();
  }

  /** Where spans are taken. */
  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/v1/traces");
  }

  private void take(HttpExchange exchange) throws IOException {
    exchange.getRequestHeaders().forEach((name, values) -> headers.put(name, values.getFirst()));
    boolean packed = "gzip".equals(exchange.getRequestHeaders().getFirst("Content-Encoding"));
    try (InputStream raw = exchange.getRequestBody();
        InputStream body = packed ? new GZIPInputStream(raw) : raw) {
      ExportTraceServiceRequest request = ExportTraceServiceRequest.parseFrom(body);
      if (status == 200) {
        request.getResourceSpansList().forEach(this::keep);
      }
    }
    exchange.sendResponseHeaders(status, -1);
    exchange.close();
  }

  private void keep(ResourceSpans sent) {
    Map<String, String> resource = texts(sent.getResource().getAttributesList());
    sent.getScopeSpansList()
        .forEach(
            scope -> scope.getSpansList().forEach(span -> spans.add(new Received(resource, span))));
  }

  private static Map<String, String> texts(List<KeyValue> values) {
    Map<String, String> texts = new TreeMap<>();
    for (KeyValue each : values) {
      texts.put(
          each.getKey(),
          each.getValue().hasIntValue()
              ? Long.toString(each.getValue().getIntValue())
              : each.getValue().getStringValue());
    }
    return texts;
  }

  /** All spans so far. */
  public List<Received> spans() {
    return List.copyOf(spans);
  }

  /** All spans, once they are what is waited for; as they are when that takes too long. */
  public List<Received> await(Predicate<List<Received>> enough) {
    long end = System.nanoTime() + PATIENCE.toNanos();
    while (!enough.test(spans) && System.nanoTime() < end) {
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(2));
    }
    return spans();
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
