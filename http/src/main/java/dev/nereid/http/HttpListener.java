package dev.nereid.http;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.core.Tracer;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Listens on one port and hands whole requests to one handler.
 *
 * <p><b>Threading.</b> The methods here are called by control threads and may block; they are
 * thread-safe.
 *
 * <p><b>Order.</b> {@link #start} once; then, to end without losing a request, withdraw readiness,
 * {@link #drain}, {@link #close}. The event loops are closed after that.
 */
public final class HttpListener implements AutoCloseable {
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  private final ListenerOptions options;
  private final ListenerServices services;
  private final Handler handler;
  private final InFlight inFlight;
  private final AtomicInteger connections = new AtomicInteger();
  private final ChannelGroup open = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE, true);
  private final @Nullable HeadGuard guard;
  private volatile @Nullable Channel server;
  private volatile boolean draining;

  /** A listener that is not started yet. */
  public HttpListener(ListenerOptions options, ListenerServices services, Handler handler) {
    this.options = options;
    this.services = services;
    this.handler = handler;
    this.inFlight = new InFlight(options.limits());
    this.guard = options.guarding().isNone() ? null : new HeadGuard(options, handler);
  }

  /**
   * Begins to listen.
   *
   * @throws FaultException when the address cannot be bound; the message says what to do
   */
  public void start() {
    ListenerOptions.Address address = options.address();
    ServerBootstrap bootstrap =
        new ServerBootstrap()
            .group(services.loops().acceptors(), services.loops().workers())
            .channel(services.loops().serverChannel())
            .option(ChannelOption.SO_BACKLOG, address.backlog())
            .option(ChannelOption.SO_REUSEADDR, true)
            .childOption(ChannelOption.TCP_NODELAY, true)
            .childHandler(new Initializer());
    if (address.shared()) {
      bootstrap.option(services.loops().sharedPort(), true);
    }
    var bound = bootstrap.bind(address.host(), address.port()).awaitUninterruptibly();
    if (!bound.isSuccess()) {
      throw cannotBind(address, bound.cause());
    }
    server = bound.channel();
  }

  /** The port that is listened on. */
  public int port() {
    Channel channel = server;
    if (channel == null || !(channel.localAddress() instanceof InetSocketAddress local)) {
      throw new IllegalStateException(name() + " listener: not started");
    }
    return local.getPort();
  }

  /** The name in messages and metrics. */
  public String name() {
    return options.name();
  }

  /** Connections open now. */
  public int connections() {
    return connections.get();
  }

  /** Requests admitted and not answered yet. */
  public int inFlightRequests() {
    return inFlight.requests();
  }

  /** Bytes of the bodies of those. */
  public long inFlightBytes() {
    return inFlight.bytes();
  }

  /** Accepts no more connections; those that are open live on. */
  public void stopAccepting() {
    Channel channel = server;
    if (channel != null) {
      channel.close().awaitUninterruptibly();
    }
  }

  /**
   * Accepts no more connections, ends those without a request, lets requests that have begun to
   * arrive finish, and ends each connection after its answer.
   *
   * @return whether all ended within the time; {@link #close} ends the rest
   */
  public boolean drain(Duration limit) {
    stopAccepting();
    draining = true;
    for (Channel channel : open) {
      channel.eventLoop().execute(() -> drain(channel.pipeline()));
    }
    long end = System.nanoTime() + limit.toNanos();
    while (connections.get() > 0 && System.nanoTime() < end) {
      LockSupport.parkNanos(POLL_NANOS);
    }
    return connections.get() == 0;
  }

  private static void drain(ChannelPipeline pipeline) {
    HttpConnection connection = pipeline.get(HttpConnection.class);
    if (connection != null) {
      connection.drain();
    }
    Http2Session session = pipeline.get(Http2Session.class);
    if (session != null) {
      session.drain();
    }
  }

  /** Ends every connection at once. */
  @Override
  public void close() {
    draining = true;
    stopAccepting();
    open.close().awaitUninterruptibly();
  }

  boolean isDraining() {
    return draining;
  }

  Handler handler() {
    return handler;
  }

  /** What looks at the heads of requests; null when nothing is asked. */
  @Nullable HeadGuard guard() {
    return guard;
  }

  InFlight inFlight() {
    return inFlight;
  }

  MemoryPool memory() {
    return services.memory();
  }

  Ticker ticker() {
    return services.ticker();
  }

  HttpMetrics metrics() {
    return services.metrics();
  }

  AccessLog accessLog() {
    return services.accessLog();
  }

  @Nullable Tracer tracer() {
    return services.tracer();
  }

  RefusalAnswers refusals() {
    return services.refusals();
  }

  ListenerOptions.Limits limits() {
    return options.limits();
  }

  ListenerOptions.Timeouts timeouts() {
    return options.timeouts();
  }

  long defaultDeadlineNanos() {
    return options.timeouts().request().toNanos();
  }

  private static FaultException cannotBind(ListenerOptions.Address address, Throwable cause) {
    String remedy = address.flag().isEmpty() ? "" : "; try " + address.flag();
    if (String.valueOf(cause.getMessage()).contains("in use")) {
      return new FaultException(
          Fault.ALREADY_EXISTS.with("port " + address.port() + " is in use" + remedy), cause);
    }
    return new FaultException(
        Fault.INVALID_ARGUMENT.with(
            "cannot listen on "
                + address.host()
                + ":"
                + address.port()
                + ": "
                + cause.getMessage()
                + remedy),
        cause);
  }

  private final class Initializer extends ChannelInitializer<Channel> {
    @Override
    protected void initChannel(Channel channel) {
      boolean overLimit = connections.incrementAndGet() > limits().connections();
      open.add(channel);
      metrics().connectionOpened();
      channel
          .closeFuture()
          .addListener(
              _ -> {
                connections.decrementAndGet();
                metrics().connectionClosed();
              });
      ListenerTls tls = options.tls();
      if (tls != null) {
        channel.pipeline().addLast(tls.context().newHandler(channel.alloc()));
      }
      RequestDecoder decoder = new RequestDecoder(limits(), ticker());
      channel
          .pipeline()
          .addLast(
              new ProtocolChoice(HttpListener.this),
              decoder,
              new HttpUpgrade(HttpListener.this),
              new HttpConnection(HttpListener.this, decoder, ResponseEncoder.HTTP_1, overLimit));
    }
  }
}
