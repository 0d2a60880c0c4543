package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.Fault;
import io.netty.buffer.Unpooled;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
final class RequestTraceTest {
  private static final String PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

  private final KeptSpans spans = new KeptSpans();
  private final CountDownLatch arrived = new CountDownLatch(1);
  private final AtomicReference<HttpExchange> held = new AtomicReference<>();

  private final Router router =
      new Router(
          List.of(
              Router.Route.post("/echo/{word}", (e, _) -> RunningListener.echo(e)),
              Router.Route.get("/echo/{word}", (e, _) -> RunningListener.echo(e)),
              Router.Route.post("/fail", (e, _) -> fail(e)),
              Router.Route.post("/hold", (e, _) -> hold(e))));

  private static void fail(HttpExchange exchange) {
    exchange.failed(503, Fault.NOT_READY.with("loading"));
    exchange.respond(503, ResponseHeaders.NONE, Unpooled.EMPTY_BUFFER);
  }

  private void hold(HttpExchange exchange) {
    held.set(exchange);
    arrived.countDown();
  }

  private RunningListener running(AccessLog log) {
    return RunningListener.traced(spans, log, router);
  }

  private KeptSpans.Kept only() {
    RunningListener.await(() -> spans.begun.size() == 1 && spans.begun.getFirst().ended);
    return spans.begun.getFirst();
  }

  @Test
  void aRequestIsNamedAfterItsRoute() throws Exception {
    var out = new ByteArrayOutputStream();
    var options = AccessLogWriter.Options.DEFAULT.in(AccessLogWriter.Format.JSON);
    var dropped = new dev.nereid.telemetry.Counter();
    try (var log = new AccessLogWriter("test", options, out, dropped).start();
        var running = running(log);
        var wire = running.connect()) {
      wire.post(
              "/echo/sea?secret=1",
              new byte[3],
              "traceparent: " + PARENT,
              "tracestate: a=1",
              "tracestate: b=2",
              "authorization: Bearer secret")
          .receive();
      KeptSpans.Kept span = only();
      assertThat(span.name).isEqualTo("POST /echo/{word}");
      assertThat(span.told)
          .containsEntry("parent", PARENT)
          .containsEntry("state", "a=1,b=2")
          .containsEntry("http.route", "/echo/{word}")
          .containsEntry("url.path", "/echo/sea")
          .containsEntry("http.response.status_code", "200")
          .containsEntry("client.address", "127.0.0.1");
      assertThat(span.told.toString()).doesNotContain("secret");
      assertThat(span.children).extracting(child -> child.name).containsExactly("receive");
      assertThat(span.failure).isEmpty();
    }
    assertThat(out.toString(StandardCharsets.UTF_8))
        .contains("\"trace_id\":\"" + "f".repeat(32) + "\"");
  }

  @Test
  void looksAreNotTraced() throws Exception {
    try (var running = running(AccessLog.OFF);
        var wire = running.connect()) {
      wire.get("/echo/sea", "traceparent: " + PARENT).receive();
    }
    assertThat(spans.begun).isEmpty();
  }

  @Test
  void whatIsRefusedAtItsHeadIsNotTraced() throws Exception {
    try (var running = running(AccessLog.OFF);
        var wire = running.connect()) {
      wire.send("POST /echo/sea HTTP/1.1\r\nhost: test\r\ncontent-length: 99999999999\r\n\r\n");
      assertThat(wire.receive().status()).isEqualTo(413);
    }
    assertThat(spans.begun).isEmpty();
  }

  @Test
  void ofTwoParentsNoneIsBelieved() throws Exception {
    try (var running = running(AccessLog.OFF);
        var wire = running.connect()) {
      String line = "traceparent: " + PARENT;
      wire.post("/echo/sea", new byte[3], line, line).receive();
      assertThat(only().told).containsEntry("parent", "null");
    }
  }

  @Test
  void whatTheServerDidWrongIsTold() throws Exception {
    try (var running = running(AccessLog.OFF);
        var wire = running.connect()) {
      wire.post("/fail", new byte[3]).receive();
      assertThat(only().failure).isEqualTo("not_ready: loading");
    }
  }

  @Test
  void whatTheClientDidWrongIsNoFailure() throws Exception {
    try (var running = running(AccessLog.OFF);
        var wire = running.connect()) {
      assertThat(wire.post("/nowhere", new byte[3]).receive().status()).isEqualTo(404);
      assertThat(only().failure).isEmpty();
      assertThat(only().name).isEqualTo("POST");
      assertThat(only().told).containsEntry("http.response.status_code", "404");
    }
  }

  @Test
  void aClientThatLeavesEndsItsSpan() throws Exception {
    try (var running = running(AccessLog.OFF)) {
      try (var wire = running.connect()) {
        wire.post("/hold", new byte[3]);
        assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
        wire.reset();
      }
      RunningListener.await(() -> running.counted.abandoned.get() == 1);
      held.get().respond(200, ResponseHeaders.NONE, Unpooled.EMPTY_BUFFER);
      KeptSpans.Kept span = only();
      assertThat(span.failure).startsWith("cancelled");
      assertThat(span.told).containsEntry("http.response.status_code", "499");
    }
  }

  @Test
  void aClientThatLeavesInItsBodyEndsItsSpan() throws Exception {
    try (var running = running(AccessLog.OFF)) {
      try (var wire = running.connect()) {
        wire.send("POST /hold HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc");
        RunningListener.await(() -> spans.begun.size() == 1);
        wire.reset();
      }
      assertThat(only().failure).startsWith("cancelled");
    }
  }
}
