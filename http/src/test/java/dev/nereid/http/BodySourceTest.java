package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Bodies that are made while they are written. */
@Timeout(60)
final class BodySourceTest {
  private static final ResponseHeaders TEXT = ResponseHeaders.of("content-type", "text/plain");

  /** Gives what it was given, and counts how often it was asked for something. */
  private static final class Scripted implements BodySource {
    final Queue<ByteBuf> pieces = new ConcurrentLinkedQueue<>();
    final AtomicInteger taken = new AtomicInteger();
    final AtomicInteger closed = new AtomicInteger();
    volatile boolean ended;

    Scripted with(String text) {
      pieces.add(RunningListener.text(text));
      return this;
    }

    Scripted end() {
      ended = true;
      return this;
    }

    @Override
    public ByteBuf next() {
      ByteBuf piece = pieces.poll();
      if (piece != null) {
        taken.incrementAndGet();
      }
      return piece;
    }

    @Override
    public boolean isEnded() {
      return ended && pieces.isEmpty();
    }

    @Override
    public void close() {
      closed.incrementAndGet();
      pieces.forEach(ByteBuf::release);
    }
  }

  /** A body without end, in pieces of 16 KiB. */
  private static final class Endless implements BodySource {
    final AtomicInteger taken = new AtomicInteger();
    final AtomicInteger closed = new AtomicInteger();

    @Override
    public ByteBuf next() {
      taken.incrementAndGet();
      return Unpooled.directBuffer(16 << 10).writeZero(16 << 10);
    }

    @Override
    public boolean isEnded() {
      return false;
    }

    @Override
    public void close() {
      closed.incrementAndGet();
    }
  }

  private static void answer(HttpExchange exchange) {
    String big = "b".repeat(40_000);
    exchange.respond(200, TEXT, new Scripted().with("one,").with(big).with(",three").end());
  }

  @Test
  void travelsInPiecesAndTheConnectionServesOn() throws Exception {
    try (var running = RunningListener.of(BodySourceTest::answer);
        Wire wire = running.connect()) {
      wire.get("/1").get("/2");
      for (int i = 0; i < 2; i++) {
        var received = wire.receiveChunked();
        assertThat(received.header("transfer-encoding")).isEqualTo("chunked");
        assertThat(received.headers()).doesNotContainKey("content-length");
        assertThat(received.text()).startsWith("one,bb").endsWith("bb,three").hasSize(40_010);
      }
      assertThat(running.counted.answered.get()).isEqualTo(2);
    }
  }

  @Test
  void anOldClientReadsUntilTheConnectionEnds() throws Exception {
    try (var running = RunningListener.of(BodySourceTest::answer);
        Wire wire = running.connect()) {
      wire.send("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
      var received = wire.receiveToTheEnd();
      assertThat(received.header("connection")).isEqualTo("close");
      assertThat(received.text()).startsWith("one,bb").endsWith("bb,three").hasSize(40_010);
    }
  }

  @Test
  void aHeadHasNoBody() throws Exception {
    try (var running = RunningListener.of(BodySourceTest::answer);
        Wire wire = running.connect()) {
      wire.send("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n").get("/2");
      assertThat(wire.receive(false).status()).isEqualTo(200);
      assertThat(wire.receiveChunked().text()).hasSize(40_010);
    }
  }

  @Test
  void inHttp2TravelsInFrames() throws Exception {
    try (var running = RunningListener.of(BodySourceTest::answer);
        RawHttp2 client = RawHttp2.begun(running.listener.port())) {
      client.head(1, "GET", "/", true);
      assertThat(client.answer(1).body()).startsWith("one,").endsWith(",three").hasSize(40_010);
      client.head(3, "HEAD", "/", true);
      assertThat(client.answer(3)).isEqualTo(new RawHttp2.Answer("200", ""));
    }
  }

  @Test
  void whatComesLaterIsWrittenWhenItComes() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    Scripted source = new Scripted();
    try (var running = RunningListener.of(exchanges::add);
        Wire wire = running.connect()) {
      wire.get("/").get("/behind");
      HttpExchange exchange = exchanges.take();
      HttpExchange behind = exchanges.take();
      RunningListener.echo(behind);
      exchange.more(); // before the answer: means nothing
      exchange.respond(200, TEXT, source);
      wire.head();
      for (String text : new String[] {"first", "second"}) {
        source.with(text);
        exchange.more();
        assertThat(wire.chunk()).isEqualTo(text.getBytes(StandardCharsets.US_ASCII));
      }
      source.end();
      exchange.more();
      assertThat(wire.chunk()).isEmpty();
      assertThat(wire.receive().text()).isEqualTo("GET /behind ");
      assertThat(source.closed.get()).isEqualTo(1);
      exchange.more();
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aClientThatStopsReadingStopsTheSource(boolean http2) throws Exception {
    Endless source = new Endless();
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    try (var running = RunningListener.of(exchanges::add)) {
      int port = running.listener.port();
      try (AutoCloseable client = http2 ? RawHttp2.begun(port) : new Wire(port)) {
        if (client instanceof RawHttp2 frames) {
          frames.head(1, "GET", "/", true);
        } else if (client instanceof Wire wire) {
          wire.get("/");
        }
        exchanges.take().respond(200, TEXT, source);
        RunningListener.await(() -> source.taken.get() > 0);
        int taken = settled(source.taken);
        assertThat(taken).as("pieces of 16 KiB").isLessThan(1_500);
        assertThat(source.closed.get()).isZero();
        if (client instanceof RawHttp2 frames) {
          frames.frame(RawHttp2.WINDOW, 0, 0, increment(1 << 20));
          frames.frame(RawHttp2.WINDOW, 0, 1, increment(1 << 20));
        } else if (client instanceof Wire wire) {
          wire.head();
          for (int i = 0; i <= taken; i++) {
            assertThat(wire.chunk()).hasSize(16 << 10);
          }
        }
        RunningListener.await(() -> source.taken.get() > taken);
      }
      RunningListener.await(() -> source.closed.get() == 1);
    }
  }

  /** The value once it has stood still for a while. */
  private static int settled(AtomicInteger value) {
    int known = value.get();
    long since = System.nanoTime();
    while (System.nanoTime() - since < 300_000_000L) {
      if (value.get() != known) {
        known = value.get();
        since = System.nanoTime();
      }
      Thread.onSpinWait();
    }
    return known;
  }

  private static byte[] increment(int bytes) {
    return ByteBuffer.allocate(4).putInt(bytes).array();
  }

  @Test
  void aClientThatLeavesEndsTheSource() throws Exception {
    var exchanges = new LinkedBlockingQueue<HttpExchange>();
    Scripted source = new Scripted().with("one");
    try (var running = RunningListener.of(exchanges::add)) {
      try (Wire wire = running.connect()) {
        wire.get("/");
        HttpExchange exchange = exchanges.take();
        exchange.respond(200, TEXT, source);
        wire.head();
        assertThat(wire.chunk()).isEqualTo("one".getBytes(StandardCharsets.US_ASCII));
      }
      RunningListener.await(() -> source.closed.get() == 1);
      assertThat(running.counted.abandoned.get()).isEqualTo(1);
    }
  }
}
