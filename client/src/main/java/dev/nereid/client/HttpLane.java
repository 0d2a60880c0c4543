package dev.nereid.client;

import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFactory;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * The connections of one event loop to one server. Requests take the connection used last, open
 * another up to the limit, or wait.
 *
 * <p><b>Threading.</b> All state is confined to the loop; {@link #send} may be called from any
 * thread and moves there.
 */
final class HttpLane {
  private static final int CONNECT_MILLIS = 5_000;
  private static final int MAX_CHUNK = 1 << 20;

  private final EventLoop loop;
  private final Bootstrap bootstrap;
  private final int maxConnections;
  private final int maxWaiting;
  private final AtomicInteger open = new AtomicInteger(); // written by the loop
  private final ArrayDeque<HttpConnection> idle = new ArrayDeque<>();
  private final ArrayDeque<HttpExchange> waiting = new ArrayDeque<>();
  private final Set<HttpConnection> all = new HashSet<>();
  private int connecting;
  private boolean closed;

  HttpLane(
      EventLoop loop,
      ChannelFactory<Channel> channels,
      HttpOptions options,
      int share,
      @Nullable SslContext tls) {
    this.loop = loop;
    this.maxConnections = share;
    this.maxWaiting = options.maxWaiting();
    this.bootstrap =
        new Bootstrap()
            .group(loop)
            .channelFactory(channels)
            .option(ChannelOption.TCP_NODELAY, true)
            .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, CONNECT_MILLIS)
            .remoteAddress(options.endpoint().host(), options.endpoint().port())
            .handler(
                new ChannelInitializer<SocketChannel>() {
                  @Override
                  protected void initChannel(SocketChannel channel) {
                    TlsOptions wanted = options.tls();
                    if (tls != null && wanted != null) {
                      Endpoint server = options.endpoint();
                      channel
                          .pipeline()
                          .addLast(
                              tls.newHandler(
                                  channel.alloc(), wanted.nameOf(server), server.port()));
                    }
                    channel
                        .pipeline()
                        .addLast(
                            new HttpResponseDecoder(
                                new HttpDecoderConfig().setMaxChunkSize(MAX_CHUNK)))
                        .addLast(new HttpConnection(HttpLane.this, channel));
                  }
                });
  }

  int open() {
    return open.get();
  }

  InFlight send(EncodedCall call, long timeoutNanos, HttpExchange.Listener listener) {
    HttpExchange exchange = new HttpExchange(call, listener);
    if (loop.inEventLoop()) {
      start(exchange, timeoutNanos);
    } else {
      loop.execute(() -> start(exchange, timeoutNanos));
    }
    return () ->
        loop.execute(
            () ->
                exchange.giveUp(
                    CallFailure.of(CallFailure.Kind.CANCELLED, "withdrawn by the caller")));
  }

  private void start(HttpExchange exchange, long timeoutNanos) {
    if (closed) {
      exchange.fail(CallFailure.of(CallFailure.Kind.CANCELLED, "client closed"));
      return;
    }
    if (timeoutNanos > 0) {
      exchange.timedBy(
          loop.schedule(
              () -> exchange.giveUp(CallFailure.of(CallFailure.Kind.DEADLINE, "no reply in time")),
              timeoutNanos,
              TimeUnit.NANOSECONDS));
    }
    HttpConnection connection = takeIdle();
    if (connection != null) {
      connection.send(exchange);
    } else if (open.get() + connecting < maxConnections) {
      waiting.add(exchange);
      connect();
    } else if (waiting.size() < maxWaiting) {
      waiting.add(exchange);
    } else {
      exchange.fail(
          CallFailure.of(
              CallFailure.Kind.LIMIT,
              "waiting: " + waiting.size() + " calls (expected: at most " + maxWaiting + ")"));
    }
  }

  private @Nullable HttpConnection takeIdle() {
    for (HttpConnection next = idle.pollLast(); next != null; next = idle.pollLast()) {
      if (next.isActive()) {
        return next;
      }
    }
    return null;
  }

  private void connect() {
    connecting++;
    bootstrap.connect().addListener((ChannelFuture future) -> greet(future));
  }

  /** Goes on when the server has shown who it is, where it has to. */
  private void greet(ChannelFuture future) {
    SslHandler tls = future.isSuccess() ? future.channel().pipeline().get(SslHandler.class) : null;
    if (tls == null) {
      connected(future.channel(), future.cause());
    } else {
      tls.handshakeFuture().addListener(shaken -> connected(future.channel(), shaken.cause()));
    }
  }

  private void connected(Channel channel, @Nullable Throwable cause) {
    connecting--;
    if (cause != null) {
      // Those who wait beyond what open connections will serve would otherwise wait for ever.
      HttpExchange first = nextWaiting();
      if (first != null) {
        first.fail(CallFailure.of(CallFailure.Kind.CONNECT, String.valueOf(cause.getMessage())));
      }
      replaceLost();
      return;
    }
    HttpConnection connection = channel.pipeline().get(HttpConnection.class);
    open.incrementAndGet();
    all.add(connection);
    if (closed) {
      connection.abandon();
      return;
    }
    release(connection);
  }

  /** Gives a connection to who waits longest, or keeps it. */
  void release(HttpConnection connection) {
    HttpExchange next = connection.isActive() ? nextWaiting() : null;
    if (next != null) {
      connection.send(next);
    } else if (connection.isActive()) {
      idle.addLast(connection);
    }
  }

  void closed(HttpConnection connection) {
    if (all.remove(connection)) {
      open.decrementAndGet();
      idle.remove(connection);
      replaceLost();
    }
  }

  private void replaceLost() {
    if (!closed && connecting < waiting.size() && open.get() + connecting < maxConnections) {
      connect();
    }
  }

  private @Nullable HttpExchange nextWaiting() {
    for (HttpExchange next = waiting.poll(); next != null; next = waiting.poll()) {
      if (!next.isDone()) {
        return next;
      }
    }
    return null;
  }

  void close() {
    if (loop.isShuttingDown()) {
      return; // which closed the connections
    }
    var _ = loop.submit(this::closeAll).awaitUninterruptibly(CONNECT_MILLIS);
  }

  private void closeAll() {
    closed = true;
    CallFailure failure = CallFailure.of(CallFailure.Kind.CANCELLED, "client closed");
    for (HttpExchange next = nextWaiting(); next != null; next = nextWaiting()) {
      next.fail(failure);
    }
    for (HttpConnection connection : List.copyOf(all)) {
      connection.fail(failure);
    }
  }
}
