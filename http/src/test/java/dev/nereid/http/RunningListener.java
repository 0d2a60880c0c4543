package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.core.Tracer;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A listener on a port that the system chose; when closed, proves that nothing was leaked. */
final class RunningListener implements AutoCloseable {
  final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  final Counted counted = new Counted();
  final EventLoops loops;
  final HttpListener listener;

  /** What the listener reported. */
  static final class Counted implements HttpMetrics {
    final Map<Refusal, Integer> refusals = new ConcurrentHashMap<>();
    final AtomicInteger answered = new AtomicInteger();
    final AtomicInteger abandoned = new AtomicInteger();
    final AtomicInteger open = new AtomicInteger();
    final AtomicInteger handshakes = new AtomicInteger();

    @Override
    public void connectionOpened() {
      open.incrementAndGet();
    }

    @Override
    public void connectionClosed() {
      open.decrementAndGet();
    }

    @Override
    public void handshakeFailed() {
      handshakes.incrementAndGet();
    }

    @Override
    public void refused(Refusal refusal) {
      refusals.merge(refusal, 1, Integer::sum);
    }

    @Override
    public void answered(int status, long bytesIn, long bytesOut, long nanos) {
      answered.incrementAndGet();
    }

    @Override
    public void abandoned() {
      abandoned.incrementAndGet();
    }
  }

  RunningListener(ListenerOptions options, AccessLog log, Handler handler) {
    this(options, EventLoops.start(2), log, handler);
  }

  RunningListener(ListenerOptions options, EventLoops loops, AccessLog log, Handler handler) {
    this(options, loops, log, handler, null);
  }

  private RunningListener(
      ListenerOptions options,
      EventLoops loops,
      AccessLog log,
      Handler handler,
      @Nullable Tracer tracer) {
    this.loops = loops;
    ListenerServices services =
        new ListenerServices(
            loops, memory, Ticker.system(), counted, log, RefusalAnswers.json(), tracer);
    listener = new HttpListener(options, services, handler);
    listener.start();
  }

  static RunningListener traced(Tracer tracer, AccessLog log, Handler handler) {
    return new RunningListener(options(), EventLoops.start(2), log, handler, tracer);
  }

  static RunningListener of(Handler handler) {
    return new RunningListener(options(), AccessLog.OFF, handler);
  }

  static RunningListener of(ListenerOptions options, Handler handler) {
    return new RunningListener(options, AccessLog.OFF, handler);
  }

  static ListenerOptions options() {
    return ListenerOptions.of("test", 0);
  }

  static ListenerOptions limited(int bodyBytes) {
    return options().within(ListenerOptions.Limits.DEFAULT.withBodyBytes(bodyBytes));
  }

  Wire connect() throws IOException {
    return new Wire(listener.port());
  }

  /** Answers with the method, the path and the body. */
  static void echo(HttpExchange exchange) {
    byte[] body = new byte[exchange.bodyLength()];
    exchange.body().get(body);
    String text =
        exchange.method()
            + " "
            + exchange.path()
            + " "
            + new String(body, StandardCharsets.ISO_8859_1);
    exchange.respond(200, ResponseHeaders.of("content-type", "text/plain"), text(text));
  }

  static ByteBuf text(String text) {
    return Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1);
  }

  /** Waits for what other threads are about to make true. */
  static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time to wait").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  @Override
  public void close() {
    listener.close();
    await(() -> memory.openLeases() == 0);
    await(() -> listener.inFlightRequests() == 0 && listener.inFlightBytes() == 0);
    await(() -> counted.open.get() == 0);
    loops.close();
    memory.close();
  }
}
