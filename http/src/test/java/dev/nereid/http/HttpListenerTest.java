package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

final class HttpListenerTest {
  @Test
  void keepsTheConnectionForManyRequests() throws Exception {
    try (var running = RunningListener.of(RunningListener::echo);
        var wire = running.connect()) {
      for (int i = 0; i < 3; i++) {
        var answer = wire.post("/a/" + i, new byte[] {'x'}).receive();
        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.text()).isEqualTo("POST /a/" + i + " x");
        assertThat(answer.header("content-type")).isEqualTo("text/plain");
        assertThat(answer.header("date")).endsWith("GMT");
        assertThat(answer.headers()).doesNotContainKey("connection");
      }
      assertThat(wire.get("/q?a=1&b=%20").receive().text()).isEqualTo("GET /q ");
    }
  }

  @Test
  void servesNioAsWell() throws Exception {
    try (var running =
            new RunningListener(
                RunningListener.options(),
                EventLoops.startNio(1),
                AccessLog.OFF,
                RunningListener::echo);
        var wire = running.connect()) {
      assertThat(wire.post("/", new byte[100_000]).receive().body()).hasSize(100_007);
    }
  }

  @Test
  void answersPipelinedRequestsInTheirOrder() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    try (var running = RunningListener.of(exchanges::add);
        var wire = running.connect()) {
      wire.get("/1").get("/2").get("/3");
      var held = new ArrayList<HttpExchange>();
      for (int i = 0; i < 3; i++) {
        held.add(exchanges.take());
      }
      for (HttpExchange exchange : held.reversed()) {
        RunningListener.echo(exchange);
      }
      assertThat(wire.receive().text()).isEqualTo("GET /1 ");
      assertThat(wire.receive().text()).isEqualTo("GET /2 ");
      assertThat(wire.receive().text()).isEqualTo("GET /3 ");
    }
  }

  @Test
  void writesManyPipelinedAnswersWithoutLosingOne() throws Exception {
    try (var running =
            RunningListener.of(e -> Thread.startVirtualThread(() -> RunningListener.echo(e)));
        var wire = running.connect()) {
      int count = 500;
      for (int i = 0; i < count; i++) {
        wire.get("/" + i);
      }
      for (int i = 0; i < count; i++) {
        assertThat(wire.receive().text()).isEqualTo("GET /" + i + " ");
      }
    }
  }

  @Test
  void answersHeadWithTheLengthAndNoBody() throws Exception {
    try (var running = RunningListener.of(RunningListener::echo);
        var wire = running.connect()) {
      wire.send("HEAD /h HTTP/1.1\r\nhost: a\r\n\r\n");
      var answer = wire.receive(false);
      assertThat(answer.header("content-length")).isEqualTo("8");
      assertThat(wire.get("/next").receive().text()).isEqualTo("GET /next ");
    }
  }

  @Test
  void closesAfterAnswersWhenTheClientWantsIt() throws Exception {
    try (var running = RunningListener.of(RunningListener::echo)) {
      try (var wire = running.connect()) {
        assertThat(wire.get("/", "connection: close").receive().header("connection"))
            .isEqualTo("close");
        assertThat(wire.isEnded()).isTrue();
      }
      try (var wire = running.connect()) {
        wire.send("GET / HTTP/1.0\r\n\r\n");
        assertThat(wire.receive().status()).isEqualTo(200);
        assertThat(wire.isEnded()).isTrue();
      }
      try (var wire = running.connect()) {
        wire.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
        assertThat(wire.receive().header("connection")).isEqualTo("keep-alive");
        assertThat(wire.get("/2").receive().status()).isEqualTo(200);
      }
    }
  }

  @Test
  void handsOnTheBodyInOneBlockOfItsLength() throws Exception {
    var sizes = new LinkedBlockingQueue<Integer>();
    Handler handler =
        exchange -> {
          try (Lease lease = exchange.takeBody()) {
            sizes.add(lease == null ? 0 : lease.size());
          }
          exchange.respond(204, ResponseHeaders.NONE);
        };
    try (var running = RunningListener.of(handler);
        var wire = running.connect()) {
      var answer = wire.post("/", new byte[3_000_000]).receive();
      assertThat(answer.status()).isEqualTo(204);
      assertThat(answer.headers()).doesNotContainKey("content-length");
      assertThat(sizes.take()).isEqualTo(3_000_000);
    }
  }

  @Test
  void readsBigBodiesByteForByteWhateverTheirPieces() throws Exception {
    Handler handler =
        exchange -> {
          byte[] body = new byte[exchange.bodyLength()];
          exchange.body().get(body);
          exchange.respond(200, ResponseHeaders.NONE, Unpooled.wrappedBuffer(body));
        };
    Random random = new Random(9);
    for (var loops : List.of(EventLoops.start(1), EventLoops.startNio(1))) {
      try (var running =
              new RunningListener(RunningListener.options(), loops, AccessLog.OFF, handler);
          var other = running.connect();
          var wire = running.connect()) {
        for (int size : new int[] {30_000, 60_000, 70_000, 200_000, 200_001, 3_000_000}) {
          byte[] content = new byte[size];
          random.nextBytes(content);
          wire.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: " + size + "\r\n\r\n");
          for (int at = 0; at < size; ) {
            int piece = Math.min(size - at, 1 + random.nextInt(150_000));
            wire.send(Arrays.copyOfRange(content, at, at + piece));
            at += piece;
            other.get("/").receive(); // the one loop has read the piece
            other.get("/").receive();
          }
          wire.get("/small"); // already on its way when the body ends
          assertThat(wire.receive().body()).isEqualTo(content);
          assertThat(wire.receive().body()).isEmpty();
        }
      }
    }
  }

  @Test
  void gathersChunkedBodies() throws Exception {
    byte[] content = new byte[700_000];
    new Random(5).nextBytes(content);
    Handler handler =
        exchange -> {
          byte[] body = new byte[exchange.bodyLength()];
          exchange.body().get(body);
          exchange.respond(200, ResponseHeaders.NONE, Unpooled.wrappedBuffer(body));
        };
    try (var running = RunningListener.of(handler);
        var wire = running.connect()) {
      wire.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n");
      for (int at = 0; at < content.length; at += 70_000) {
        wire.send(Integer.toHexString(70_000) + "\r\n");
        wire.send(Arrays.copyOfRange(content, at, at + 70_000)).send("\r\n");
      }
      assertThat(wire.send("0\r\n\r\n").receive().body()).isEqualTo(content);
    }
  }

  @Test
  void writesBigPartsWithoutCopyingAndTellsWhenTheyAreWritten() throws Exception {
    var written = new CountDownLatch(1);
    byte[] content = new byte[2_000_000];
    new Random(6).nextBytes(content);
    try (var running = RunningListener.of(_ -> {})) {
      var memory = running.memory;
      Handler handler =
          exchange -> {
            Lease lease = memory.copyOf(content);
            Runnable close =
                () -> {
                  lease.close();
                  written.countDown();
                };
            exchange.respond(
                200,
                ResponseHeaders.NONE,
                close,
                lease.buffer(0, 1_000_000),
                lease.buffer(1_000_000, 1_000_000));
          };
      try (var second = RunningListener.of(handler);
          var wire = second.connect()) {
        assertThat(wire.get("/").receive().body()).isEqualTo(content);
        assertThat(written.await(10, TimeUnit.SECONDS)).isTrue();
      }
    }
  }

  @Test
  void tellsTheHandlerWhenTheClientLeaves() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    try (var running = RunningListener.of(exchanges::add)) {
      var cancelled = new CompletableFuture<Boolean>();
      var released = new AtomicInteger();
      HttpExchange exchange;
      try (var wire = running.connect()) {
        wire.post("/", new byte[1000]);
        exchange = exchanges.take();
        exchange.onCancel(() -> cancelled.complete(exchange.isCancelled()));
      }
      assertThat(cancelled.get(10, TimeUnit.SECONDS)).isTrue();
      exchange.respond(
          200, ResponseHeaders.NONE, released::incrementAndGet, RunningListener.text("late"));
      assertThat(released).hasValue(1);
      assertThat(running.counted.abandoned).hasValue(1);
    }
  }

  @Test
  void refusesASecondAnswer() throws Exception {
    var failure = new CompletableFuture<Throwable>();
    Handler handler =
        exchange -> {
          RunningListener.echo(exchange);
          try {
            RunningListener.echo(exchange);
          } catch (IllegalStateException e) {
            failure.complete(e);
          }
        };
    try (var running = RunningListener.of(handler);
        var wire = running.connect()) {
      assertThat(wire.get("/x").receive().status()).isEqualTo(200);
      assertThat(failure.get()).hasMessage("GET /x: answered twice");
    }
  }

  @Test
  void answers500WhenAHandlerThrows() throws Exception {
    Handler handler =
        _ -> {
          throw new IllegalStateException("planted");
        };
    try (var running = RunningListener.of(handler);
        var wire = running.connect()) {
      var answer = wire.post("/", new byte[10]).receive();
      assertThat(answer.status()).isEqualTo(500);
      assertThat(answer.text()).isEqualTo("{\"error\":\"the server failed on this request\"}");
      assertThat(wire.get("/").receive().status()).isEqualTo(500);
    }
  }

  @Test
  void takesTheDeadlineFromTheClientOrTheDefault() throws Exception {
    var patience = new LinkedBlockingQueue<Long>();
    Handler handler =
        exchange -> {
          long nanos = exchange.deadlineNanos() - exchange.receivedNanos();
          patience.add(exchange.deadlineNanos() == Long.MAX_VALUE ? -1 : nanos / 1_000_000);
          exchange.respond(204, ResponseHeaders.NONE);
        };
    var timeouts = ListenerOptions.Timeouts.DEFAULT;
    var withDefault =
        new ListenerOptions.Timeouts(
            timeouts.idle(), timeouts.read(), timeouts.bytesPerSecond(), Duration.ofSeconds(3));
    try (var running = RunningListener.of(handler);
        var wire = running.connect()) {
      wire.get("/").get("/", "X-Request-Timeout-Ms: 250").get("/", "X-Request-Timeout-Ms: soon");
      assertThat(List.of(patience.take(), patience.take())).containsExactly(-1L, 250L);
      assertThat(wire.receive().status()).isEqualTo(204);
      assertThat(wire.receive().status()).isEqualTo(204);
      assertThat(wire.receive().status()).isEqualTo(400);
    }
    try (var running = RunningListener.of(RunningListener.options().with(withDefault), handler);
        var wire = running.connect()) {
      wire.get("/");
      assertThat(patience.take()).isEqualTo(3000);
    }
  }

  @Test
  void saysWhichPortIsInUseAndWhatToDo() {
    try (var running = RunningListener.of(RunningListener::echo)) {
      int port = running.listener.port();
      var address = new ListenerOptions.Address("0.0.0.0", port, 16, "--http-port");
      var services = ListenerServices.of(running.loops, running.memory);
      try (var second =
          new HttpListener(RunningListener.options().at(address), services, _ -> {})) {
        assertThatThrownBy(second::start)
            .isInstanceOf(FaultException.class)
            .hasMessage("port " + port + " is in use; try --http-port");
      }
    }
  }

  @Test
  void asksToGoOnWithABodyThatIsExpected() throws Exception {
    try (var running = RunningListener.of(RunningListener::echo);
        var wire = running.connect()) {
      wire.send("POST /e HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
      assertThat(wire.receive().status()).isEqualTo(100);
      assertThat(wire.send("ok").receive().text()).isEqualTo("POST /e ok");
    }
  }

  @Test
  void serves1000ConnectionsWithOneRequestEach() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    int count = 1000;
    try (var running = RunningListener.of(exchanges::add)) {
      var wires = new ArrayList<Wire>();
      try {
        for (int i = 0; i < count; i++) {
          wires.add(running.connect().post("/" + i, "abc".getBytes(StandardCharsets.UTF_8)));
        }
        for (int i = 0; i < count; i++) {
          HttpExchange exchange = exchanges.poll(10, TimeUnit.SECONDS);
          assertThat(exchange).isNotNull();
          Thread.startVirtualThread(() -> RunningListener.echo(exchange));
        }
        for (int i = 0; i < count; i++) {
          assertThat(wires.get(i).receive().text()).isEqualTo("POST /" + i + " abc");
        }
        assertThat(running.listener.connections()).isEqualTo(count);
      } finally {
        for (Wire wire : wires) {
          wire.close();
        }
      }
    }
  }
}
