package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.http.ListenerTls.Offer;
import dev.nereid.telemetry.Metrics;
import io.netty.buffer.Unpooled;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

@Timeout(60)
final class Http2Test {
  private static final int PROTOCOL_ERROR = 1;
  private static final int ENHANCE_YOUR_CALM = 11;

  private static ListenerOptions timed(Duration idle, Duration read) {
    return RunningListener.options()
        .with(new ListenerOptions.Timeouts(idle, read, 1 << 20, Duration.ZERO));
  }

  private static HttpRequest.Builder to(String scheme, RunningListener running, String path) {
    return HttpRequest.newBuilder(
            URI.create(scheme + "://127.0.0.1:" + running.listener.port() + path))
        .timeout(Duration.ofSeconds(20));
  }

  @Test
  void overTlsTheHandshakeChooses(@TempDir Path folder) throws Exception {
    TestCertificates authority = new TestCertificates("authority");
    Path certificate = folder.resolve("crt");
    Path key = folder.resolve("key");
    authority.issue("server").writeTo(certificate, key);
    String large = "x".repeat(5 << 20);
    try (ListenerTls tls =
            new ListenerTls("test", TlsFiles.of(certificate, key), Offer.HTTP, new Metrics());
        var running =
            RunningListener.of(RunningListener.options().over(tls), RunningListener::echo);
        HttpClient client = HttpClient.newBuilder().sslContext(authority.client(null)).build()) {
      List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        HttpRequest request =
            to("https", running, "/" + i).POST(BodyPublishers.ofString("body" + i)).build();
        answers.add(client.sendAsync(request, BodyHandlers.ofString()));
      }
      for (int i = 0; i < 100; i++) {
        var answer = answers.get(i).get(20, TimeUnit.SECONDS);
        assertThat(answer.version()).isEqualTo(HttpClient.Version.HTTP_2);
        assertThat(answer.body()).isEqualTo("POST /" + i + " body" + i);
        assertThat(answer.headers().firstValue("content-type")).contains("text/plain");
        assertThat(answer.headers().firstValue("date")).isPresent();
      }
      var big =
          client.send(
              to("https", running, "/").POST(BodyPublishers.ofString(large)).build(),
              BodyHandlers.ofString());
      assertThat(big.body()).hasSize(large.length() + 7);
      assertThat(running.listener.drain(Duration.ofSeconds(10))).isTrue();
    }
  }

  @Test
  void aClientMayAskForItInPlainText() throws Exception {
    try (var running = RunningListener.of(RunningListener::echo);
        HttpClient client = HttpClient.newHttpClient()) {
      var first = client.send(to("http", running, "/1").build(), BodyHandlers.ofString());
      assertThat(first.version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(first.body()).isEqualTo("GET /1 ");
      var second =
          client.send(
              to("http", running, "/2").POST(BodyPublishers.ofString("b")).build(),
              BodyHandlers.ofString());
      assertThat(second.version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(second.body()).isEqualTo("POST /2 b");
      assertThat(running.counted.open.get()).isEqualTo(1);
    }
  }

  @Test
  void aRequestWithABodyOrWithoutSettingsIsServedAsItCame() throws Exception {
    try (var running = RunningListener.of(RunningListener::echo);
        Wire wire = running.connect()) {
      String[] asking = {"connection: upgrade, http2-settings", "upgrade: h2c"};
      assertThat(wire.post("/a", new byte[] {'x'}, asking).receive().text()).isEqualTo("POST /a x");
      try (Wire other = running.connect()) {
        assertThat(other.get("/b", asking).receive().text()).isEqualTo("GET /b ");
      }
      try (Wire other = running.connect()) {
        String[] bad = {asking[0], asking[1], "http2-settings: AAAA!"};
        assertThat(other.get("/c", bad).receive().text()).isEqualTo("GET /c ");
        assertThat(other.get("/d").receive().text()).isEqualTo("GET /d ");
      }
    }
  }

  @Test
  void aClientMayJustBegin() throws Exception {
    try (var running = RunningListener.of(RunningListener::echo);
        RawHttp2 client = new RawHttp2(running.listener.port())) {
      for (byte one : RawHttp2.PREFACE) {
        client.raw(new byte[] {one});
      }
      client.frame(RawHttp2.SETTINGS, 0, 0, new byte[0]);
      client.head(1, "GET", "/a?b", true);
      assertThat(client.answer(1)).isEqualTo(new RawHttp2.Answer("200", "GET /a "));
      client.head(3, "HEAD", "/a", true);
      assertThat(client.answer(3)).isEqualTo(new RawHttp2.Answer("200", ""));
      client.head(5, "POST", "/b", false).frame(RawHttp2.DATA, 0, 5, new byte[] {'x', 'y'});
      client.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 5, new byte[] {'z'});
      assertThat(client.answer(5)).isEqualTo(new RawHttp2.Answer("200", "POST /b xyz"));
    }
  }

  @Test
  void aRequestThatOnlyBeginsLikeItIsServedAsItCame() throws Exception {
    try (var running = RunningListener.of(RunningListener::echo);
        Wire wire = running.connect()) {
      wire.send("P").send("RI").send("NT / HTTP/1.1\r\nhost: a\r\n\r\n");
      assertThat(wire.receive().text()).isEqualTo("PRINT / ");
    }
  }

  @Test
  void limitsAreThoseOfHttp1() throws Exception {
    var options =
        RunningListener.limited(1000)
            .within(ListenerOptions.Limits.DEFAULT.withBodyBytes(1000).withInFlight(1, 1 << 20));
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    try (var running = RunningListener.of(options, exchanges::add);
        RawHttp2 client = RawHttp2.begun(running.listener.port())) {
      client.head(1, "POST", "/", false, "content-length", "1001");
      assertThat(client.answer(1).status()).isEqualTo("413");
      client.head(3, "GET", "/" + "x".repeat(9000), true);
      assertThat(client.answer(3).status()).isEqualTo("414");
      client.head(5, "GET", "/", true, "a", "x".repeat(40_000));
      assertThat(client.status(client.next(RawHttp2.HEADERS))).isEqualTo("431");
      client.head(7, "POST", "/held", true);
      HttpExchange held = exchanges.take();
      client.head(9, "POST", "/", true);
      assertThat(client.answer(9).status()).isEqualTo("503");
      RunningListener.echo(held);
      assertThat(client.answer(7).body()).isEqualTo("POST /held ");
      client.head(11, "POST", "/", false).frame(RawHttp2.DATA, 0, 11, new byte[1001]);
      assertThat(client.answer(11).status()).isEqualTo("413");
      assertThat(running.counted.refusals)
          .containsOnlyKeys(
              Refusal.BODY_TOO_LARGE, Refusal.URI_TOO_LONG, Refusal.TOO_MANY_REQUESTS);
    }
  }

  /** Told of an error, a client throws away the answer that it has. */
  @Test
  void anAnswerBeforeTheBodyIsWholeEndsItsStreamWithoutAnError() throws Exception {
    try (var running = RunningListener.of(RunningListener.limited(1000), RunningListener::echo);
        RawHttp2 client = RawHttp2.begun(running.listener.port())) {
      client.head(1, "POST", "/", false).frame(RawHttp2.DATA, 0, 1, new byte[1001]);
      assertThat(client.answer(1).status()).isEqualTo("413");
      var reset = client.next();
      assertThat(reset.type()).isEqualTo(RawHttp2.RESET);
      assertThat(reset.stream()).isEqualTo(1);
      assertThat(reset.payload()).containsOnly(0);
      client.head(3, "GET", "/", true);
      assertThat(client.next().stream()).isEqualTo(3);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "transfer-encoding, chunked",
    "connection, close",
    "Upper, case",
    "content-length, 5",
    ":path, /twice",
    "a b, c"
  })
  void whatBelongsToHttp1OrLiesIsRefused(String name, String value) throws Exception {
    try (var running = RunningListener.of(RunningListener::echo);
        RawHttp2 client = RawHttp2.begun(running.listener.port())) {
      client.head(1, "POST", "/", false, name, value);
      client.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 1, new byte[] {'a', 'b'});
      RawHttp2.Frame refused = client.next();
      assertThat(refused.type()).isIn(RawHttp2.RESET, RawHttp2.GOAWAY);
      assertThat(refused.code()).isEqualTo(PROTOCOL_ERROR);
      assertThat(running.counted.answered.get()).isZero();
    }
  }

  @Test
  void aBodyThatDoesNotComeIsCutOff() throws Exception {
    var hasty = timed(Duration.ofSeconds(60), Duration.ofMillis(100));
    try (var running = RunningListener.of(hasty, RunningListener::echo);
        RawHttp2 client = RawHttp2.begun(running.listener.port())) {
      client.head(1, "POST", "/", false, "content-length", "10");
      client.frame(RawHttp2.DATA, 0, 1, new byte[3]);
      assertThat(client.answer(1).status()).isEqualTo("408");
      client.head(3, "GET", "/on", true);
      assertThat(client.next(RawHttp2.RESET).stream()).isEqualTo(1);
      assertThat(client.answer(3).status()).isEqualTo("200");
    }
  }

  @Test
  void aConnectionWithoutRequestsEndsWithTheIdleTime() throws Exception {
    var hasty = timed(Duration.ofMillis(400), Duration.ofSeconds(60));
    try (var running = RunningListener.of(hasty, RunningListener::echo);
        RawHttp2 client = RawHttp2.begun(running.listener.port())) {
      client.head(1, "GET", "/a", true);
      assertThat(client.answer(1).status()).isEqualTo("200");
      assertThat(client.next().type()).isEqualTo(RawHttp2.GOAWAY);
      assertThat(client.isEnded()).isTrue();
    }
  }

  @Test
  void aClientThatTakesNoAnswerLosesItsStream() throws Exception {
    var hasty = timed(Duration.ofMillis(100), Duration.ofSeconds(60));
    Handler large =
        exchange ->
            exchange.respond(200, ResponseHeaders.NONE, Unpooled.wrappedBuffer(new byte[1 << 20]));
    try (var running = RunningListener.of(hasty, large);
        RawHttp2 client = RawHttp2.begun(running.listener.port())) {
      client.head(1, "GET", "/", true);
      assertThat(client.next(RawHttp2.RESET).stream()).isEqualTo(1);
      assertThat(client.isEnded()).isTrue();
    }
  }

  @Test
  void aClientThatLeavesCancelsItsRequests() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    try (var running = RunningListener.of(exchanges::add)) {
      for (boolean reset : new boolean[] {true, false}) {
        try (RawHttp2 client = RawHttp2.begun(running.listener.port())) {
          client.head(1, "POST", "/", false);
          client.frame(RawHttp2.DATA, RawHttp2.END_STREAM, 1, new byte[] {1});
          HttpExchange exchange = exchanges.take();
          if (reset) {
            client.frame(RawHttp2.RESET, 0, 1, new byte[] {0, 0, 0, 8});
          } else {
            client.hangUp();
          }
          RunningListener.await(exchange::isCancelled);
          RunningListener.echo(exchange);
        }
      }
    }
  }

  @Test
  void aFloodOfResetsEndsTheConnection() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    try (var running = RunningListener.of(exchanges::add);
        RawHttp2 client = RawHttp2.begun(running.listener.port())) {
      try {
        for (int stream = 1; stream < 2000; stream += 2) {
          client.head(stream, "GET", "/", true);
          client.frame(RawHttp2.RESET, 0, stream, new byte[] {0, 0, 0, 8});
        }
      } catch (java.net.SocketException e) {
        assertThat(e).as("the server may hang up on the rest").isNotNull();
      }
      assertThat(client.next(RawHttp2.GOAWAY).code()).isEqualTo(ENHANCE_YOUR_CALM);
      assertThat(exchanges).hasSizeLessThan(500);
      exchanges.forEach(RunningListener::echo);
    }
  }

  @Test
  void drainingLetsRequestsFinish() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    try (var running = RunningListener.of(exchanges::add);
        RawHttp2 client = RawHttp2.begun(running.listener.port());
        RawHttp2 idle = RawHttp2.begun(running.listener.port())) {
      client.head(1, "GET", "/slow", true);
      HttpExchange exchange = exchanges.take();
      RunningListener.await(() -> running.counted.open.get() == 2);
      var drained =
          CompletableFuture.supplyAsync(() -> running.listener.drain(Duration.ofSeconds(20)));
      assertThat(client.next().type()).isEqualTo(RawHttp2.GOAWAY);
      assertThat(idle.isEnded()).isTrue();
      RunningListener.echo(exchange);
      assertThat(client.answer(1).body()).isEqualTo("GET /slow ");
      assertThat(drained.get(20, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void damagedFramesEndTheConnection() throws Exception {
    byte[][] damaged = {
      ByteBuffer.allocate(9).put(2, (byte) 5).put(3, (byte) 99).array(), // cut short: unknown
      new byte[] {0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, // data of stream 0
      new byte[] {0, 0, 0, 9, 0, 0, 0, 0, 1}, // a continuation of nothing
      new byte[] {(byte) 0xff, 0, 0, 0, 0, 0, 0, 0, 1}, // a frame of 16 MB
      "GET / HTTP/1.1\r\nhost: a\r\n\r\n".getBytes(StandardCharsets.US_ASCII)
    };
    var hasty = timed(Duration.ofMillis(200), Duration.ofMillis(200));
    try (var running = RunningListener.of(hasty, RunningListener::echo)) {
      for (byte[] bytes : damaged) {
        try (RawHttp2 client = RawHttp2.begun(running.listener.port())) {
          client.raw(bytes);
          assertThat(client.isEnded()).isTrue();
        }
      }
    }
  }
}
