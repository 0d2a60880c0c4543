package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.SocketException;
import java.time.Duration;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class HttpLimitsTest {
  private static final ListenerOptions.Limits LIMITS = ListenerOptions.Limits.DEFAULT;

  private static ListenerOptions timed(Duration idle, Duration read) {
    return RunningListener.options()
        .with(new ListenerOptions.Timeouts(idle, read, 1 << 20, Duration.ZERO));
  }

  static Stream<Arguments> malformedRequests() {
    String post = "POST / HTTP/1.1\r\nhost: a\r\n";
    return Stream.of(
        Arguments.of("GET / HTTP/1.1\r\n\r\n", 400, Refusal.MALFORMED),
        Arguments.of("GET nowhere HTTP/1.1\r\nhost: a\r\n\r\n", 400, Refusal.MALFORMED),
        Arguments.of("what is this?\r\n\r\n", 400, Refusal.MALFORMED),
        Arguments.of("GET / HTTP/1.1\r\nhost a\r\n\r\n", 400, Refusal.MALFORMED),
        Arguments.of(post + "content-length: many\r\n\r\n", 400, Refusal.MALFORMED),
        Arguments.of(post + "content-length: -5\r\n\r\n", 400, Refusal.MALFORMED),
        Arguments.of(
            post + "content-length: 2\r\ncontent-length: 3\r\n\r\nab", 400, Refusal.MALFORMED),
        Arguments.of(
            post + "content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            Refusal.MALFORMED),
        Arguments.of(post + "transfer-encoding: chunked\r\n\r\nxyz\r\n", 400, Refusal.MALFORMED),
        Arguments.of("POST / HTTP/1.0\r\ncontent-type: a/b\r\n\r\n", 411, Refusal.LENGTH_REQUIRED),
        Arguments.of(post + "content-length: 1001\r\n\r\n", 413, Refusal.BODY_TOO_LARGE),
        Arguments.of(post + "content-length: 99999999999999999999\r\n\r\n", 400, Refusal.MALFORMED),
        Arguments.of("GET /" + "x".repeat(9000) + " HTTP/1.1\r\n\r\n", 414, Refusal.URI_TOO_LONG),
        Arguments.of(
            "GET / HTTP/1.1\r\na: " + "x".repeat(40_000) + "\r\n\r\n",
            431,
            Refusal.HEADERS_TOO_LARGE),
        Arguments.of(
            post + "expect: miracles\r\ncontent-length: 2\r\n\r\n",
            417,
            Refusal.EXPECTATION_FAILED));
  }

  @ParameterizedTest
  @MethodSource("malformedRequests")
  void refusesWhatBreaksTheRules(String request, int status, Refusal refusal) throws Exception {
    try (var running = RunningListener.of(RunningListener.limited(1000), RunningListener::echo);
        var wire = running.connect()) {
      var answer = wire.send(request).receive();
      assertThat(answer.status()).isEqualTo(status);
      assertThat(answer.text()).startsWith("{\"error\":\"");
      assertThat(running.counted.refusals).containsOnlyKeys(refusal);
    }
  }

  @Test
  void keepsTheConnectionAfterRefusingAShortBody() throws Exception {
    try (var running = RunningListener.of(RunningListener.limited(1000), RunningListener::echo);
        var wire = running.connect()) {
      assertThat(wire.post("/", new byte[5000]).receive().status()).isEqualTo(413);
      assertThat(wire.get("/on").receive().text()).isEqualTo("GET /on ");
    }
  }

  @Test
  void cutsAChunkedBodyThatPassesTheLimitAndStillDeliversTheAnswer() throws Exception {
    try (var running = RunningListener.of(RunningListener.limited(200_000), RunningListener::echo);
        var wire = running.connect()) {
      wire.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
      byte[] chunk = new byte[50_000];
      try {
        for (int i = 0; i < 200; i++) {
          wire.send("c350\r\n").send(chunk).send("\r\n");
        }
      } catch (SocketException e) {
        assertThat(e).as("the server may hang up on the rest").isNotNull();
      }
      var answer = wire.receive();
      assertThat(answer.status()).isEqualTo(413);
      assertThat(answer.header("connection")).isEqualTo("close");
      assertThat(running.counted.refusals).containsOnlyKeys(Refusal.BODY_TOO_LARGE);
    }
  }

  @Test
  void refusesAnExpectedBodyBeforeItComes() throws Exception {
    try (var running = RunningListener.of(RunningListener.limited(1000), RunningListener::echo);
        var wire = running.connect()) {
      wire.send(
          "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1001\r\n\r\n");
      assertThat(wire.receive().status()).isEqualTo(413);
      assertThat(wire.isEnded()).isTrue();
    }
  }

  @Test
  void answers408WhenABodyDoesNotCome() throws Exception {
    var options = timed(Duration.ofSeconds(60), Duration.ofMillis(100));
    try (var running = RunningListener.of(options, RunningListener::echo);
        var wire = running.connect()) {
      wire.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc");
      assertThat(wire.receive().status()).isEqualTo(408);
      assertThat(wire.isEnded()).isTrue();
      assertThat(running.counted.refusals).containsOnlyKeys(Refusal.SLOW);
    }
  }

  @Test
  void answers408WhenAHeadDoesNotCome() throws Exception {
    var options = timed(Duration.ofSeconds(60), Duration.ofMillis(400));
    try (var running = RunningListener.of(options, RunningListener::echo);
        var wire = running.connect()) {
      wire.get("/first");
      assertThat(wire.receive().status()).isEqualTo(200);
      wire.send("GET /second HT");
      assertThat(wire.receive().status()).isEqualTo(408);
    }
  }

  @Test
  void closesIdleConnectionsButNotThoseThatWaitForAnAnswer() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    var options = timed(Duration.ofMillis(400), Duration.ofSeconds(60));
    try (var running = RunningListener.of(options, exchanges::add);
        var idle = running.connect();
        var busy = running.connect()) {
      busy.get("/busy");
      HttpExchange exchange = exchanges.take();
      assertThat(idle.isEnded()).isTrue();
      RunningListener.echo(exchange);
      assertThat(busy.receive().text()).isEqualTo("GET /busy ");
      assertThat(busy.isEnded()).isTrue();
    }
  }

  @Test
  void refusesRequestsBeyondThoseInFlightAtOnceButNotHealthChecks() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    var options = RunningListener.options().within(LIMITS.withInFlight(2, 1 << 20));
    try (var running = RunningListener.of(options, exchanges::add);
        var first = running.connect();
        var second = running.connect();
        var third = running.connect()) {
      first.post("/1", new byte[1]);
      second.post("/2", new byte[1]);
      HttpExchange one = exchanges.take();
      HttpExchange two = exchanges.take();
      var refused = third.post("/3", new byte[1]).receive();
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.header("retry-after")).isEqualTo("1");
      third.get("/health");
      RunningListener.echo(exchanges.take());
      assertThat(third.receive().status()).isEqualTo(200);
      RunningListener.echo(one);
      RunningListener.echo(two);
      first.receive();
      third.post("/4", new byte[1]);
      RunningListener.echo(exchanges.take());
      assertThat(third.receive().status()).isEqualTo(200);
      second.receive();
      assertThat(running.counted.refusals).containsOnlyKeys(Refusal.TOO_MANY_REQUESTS);
    }
  }

  @Test
  void refusesBytesBeyondThoseInFlightDeclaredOrChunked() throws Exception {
    var options = RunningListener.options().within(LIMITS.withInFlight(100, 100_000));
    try (var running = RunningListener.of(options, RunningListener::echo);
        var wire = running.connect();
        var chunked = running.connect()) {
      assertThat(wire.post("/", new byte[100_001]).receive().status()).isEqualTo(503);
      assertThat(wire.post("/", new byte[100_000]).receive().status()).isEqualTo(200);
      chunked.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
      chunked.send("f000\r\n").send(new byte[0xf000]).send("\r\nf000\r\n");
      chunked.send(new byte[0xf000]).send("\r\n0\r\n\r\n");
      assertThat(chunked.receive().status()).isEqualTo(503);
      assertThat(running.counted.refusals).containsOnlyKeys(Refusal.TOO_MANY_BYTES);
    }
  }

  @Test
  void refusesConnectionsBeyondTheLimit() throws Exception {
    var options = RunningListener.options().within(LIMITS.withConnections(1));
    try (var running = RunningListener.of(options, RunningListener::echo);
        var first = running.connect()) {
      assertThat(first.get("/").receive().status()).isEqualTo(200);
      try (var second = running.connect()) {
        assertThat(second.receive().status()).isEqualTo(503);
        assertThat(second.isEnded()).isTrue();
      }
      assertThat(first.get("/").receive().status()).isEqualTo(200);
    }
  }

  @Test
  void forgetsABodyWhoseClientLeavesInTheMiddle() throws Exception {
    try (var running = RunningListener.of(RunningListener::echo)) {
      for (String head : new String[] {"content-length: 2000000", "transfer-encoding: chunked"}) {
        try (var wire = running.connect()) {
          wire.send("POST / HTTP/1.1\r\nhost: a\r\n" + head + "\r\n\r\n186a0\r\n");
          wire.send(new byte[100_000]);
          RunningListener.await(() -> running.memory.openLeases() == 1);
          wire.reset();
        }
        RunningListener.await(() -> running.memory.openLeases() == 0);
        RunningListener.await(() -> running.listener.inFlightBytes() == 0);
      }
    }
  }

  @Test
  void doesNotReadOnWhileAClientTakesNoAnswers() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    try (var running = RunningListener.of(exchanges::add);
        var wire = running.connect()) {
      for (int i = 0; i < 200; i++) {
        wire.post("/" + i, new byte[2000]);
      }
      for (int i = 0; i < 200; i++) {
        RunningListener.echo(exchanges.take());
      }
      for (int i = 0; i < 200; i++) {
        assertThat(wire.receive().text()).startsWith("POST /" + i + " ");
      }
    }
  }
}
