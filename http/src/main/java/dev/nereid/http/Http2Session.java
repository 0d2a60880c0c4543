package dev.nereid.http;

import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.codec.http2.DefaultHttp2GoAwayFrame;
import io.netty.handler.codec.http2.Http2Connection;
import io.netty.handler.codec.http2.Http2ConnectionAdapter;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import io.netty.handler.codec.http2.Http2FrameCodec;
import io.netty.handler.codec.http2.Http2FrameCodecBuilder;
import io.netty.handler.codec.http2.Http2MultiplexHandler;
import io.netty.handler.codec.http2.Http2Settings;
import io.netty.handler.codec.http2.Http2Stream;
import io.netty.handler.codec.http2.Http2StreamFrameToHttpObjectCodec;
import io.netty.util.ReferenceCountUtil;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A connection that speaks HTTP/2. Each of its streams is a channel of its own, with an {@link
 * HttpConnection} that takes one request: handlers, limits and times are those of HTTP/1.1.
 * Confined to the event loop.
 */
final class Http2Session extends ChannelInboundHandlerAdapter {
  /** Requests at a time on one connection; more wait with the client. */
  private static final int STREAMS = 1000;

  /** What a client may send of one body before it is read; twice that on a connection. */
  private static final int WINDOW = 1 << 20;

  private static final int FRAME = 64 << 10;
  private static final long LINGER_MILLIS = 2_000;
  private static final Logger LOG = LoggerFactory.getLogger(Http2Session.class);

  private final HttpListener listener;
  private final Http2Connection connection;
  private final long idleNanos;

  @SuppressWarnings("NullAway.Init") // handlerAdded comes before every other event
  private ChannelHandlerContext ctx;

  private @Nullable ScheduledFuture<?> idleTimer;
  private long activeNanos;
  private long stalledBytes;
  private boolean draining;

  private Http2Session(HttpListener listener, Http2Connection connection) {
    this.listener = listener;
    this.connection = connection;
    idleNanos = listener.timeouts().idle().toNanos();
  }

  /** Adds what speaks HTTP/2 to the end of a pipeline. */
  static Http2FrameCodec install(HttpListener listener, ChannelPipeline pipeline) {
    Http2FrameCodec codec =
        Http2FrameCodecBuilder.forServer()
            .gracefulShutdownTimeoutMillis(LINGER_MILLIS)
            .validateRequiredPseudoHeaders(true)
            .initialSettings(
                Http2Settings.defaultSettings()
                    .maxConcurrentStreams(STREAMS)
                    .initialWindowSize(WINDOW)
                    .maxFrameSize(FRAME)
                    .maxHeaderListSize(listener.limits().headerBytes()))
            .build();
    Http2Session session = new Http2Session(listener, codec.connection());
    pipeline.addLast(codec, new Http2MultiplexHandler(new Streams(listener)), session);
    return codec;
  }

  @Override
  public void handlerAdded(ChannelHandlerContext context) {
    ctx = context;
    activeNanos = listener.ticker().nanos();
    connection.addListener(new Ended());
    idleTimer = schedule(idleNanos);
    if (listener.isDraining()) {
      drain();
    }
  }

  @Override
  public void channelRead(ChannelHandlerContext context, Object message) {
    ReferenceCountUtil.release(message); // settings, pings: the codec has answered
  }

  @Override
  public void channelReadComplete(ChannelHandlerContext context) {
    activeNanos = listener.ticker().nanos();
    context.fireChannelReadComplete();
  }

  @Override
  public void channelInactive(ChannelHandlerContext context) {
    if (idleTimer != null) {
      idleTimer.cancel(false);
    }
    context.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
    LOG.debug("{}: connection of {} failed", listener.name(), remote(), cause);
    if (!(cause instanceof Http2Exception)) {
      var _ = context.close(); // the codec itself ends a connection that broke its rules
    }
  }

  private Object remote() {
    return ctx.channel().remoteAddress();
  }

  /** Takes no more requests, and ends the connection once those that have begun are answered. */
  void drain() {
    if (!draining) {
      draining = true;
      var _ = ctx.writeAndFlush(new DefaultHttp2GoAwayFrame(Http2Error.NO_ERROR));
      endIfDone();
    }
  }

  private void endIfDone() {
    if (draining && connection.numActiveStreams() == 0) {
      var _ = ctx.close();
    }
  }

  /** Ends a connection on which nothing is asked, or whose client takes nothing. */
  private void checkIdle() {
    var buffer = ctx.channel().unsafe().outboundBuffer();
    long pending = buffer == null ? 0 : buffer.totalPendingWriteBytes();
    if (pending > 0 && pending == stalledBytes) {
      ctx.channel().unsafe().closeForcibly();
      return;
    }
    stalledBytes = pending;
    long since = listener.ticker().nanos() - activeNanos;
    boolean idle = pending == 0 && connection.numActiveStreams() == 0;
    if (idle && since >= idleNanos) {
      var _ = ctx.close();
      return;
    }
    idleTimer = schedule(idle ? idleNanos - since : idleNanos);
  }

  private ScheduledFuture<?> schedule(long nanos) {
    return ctx.executor().schedule(this::checkIdle, nanos, TimeUnit.NANOSECONDS);
  }

  private final class Ended extends Http2ConnectionAdapter {
    @Override
    public void onStreamRemoved(Http2Stream stream) {
      activeNanos = listener.ticker().nanos();
      if (draining) {
        ctx.executor().execute(Http2Session.this::endIfDone);
      }
    }
  }

  /** Makes a channel of each stream that a client opens. */
  private static final class Streams extends ChannelInitializer<Channel> {
    private static final Http2StreamFrameToHttpObjectCodec FRAMES =
        new Http2StreamFrameToHttpObjectCodec(true);

    private final HttpListener listener;

    Streams(HttpListener listener) {
      this.listener = listener;
    }

    @Override
    public boolean isSharable() {
      return true;
    }

    @Override
    protected void initChannel(Channel stream) {
      StreamArrivals arrivals = new StreamArrivals(listener.ticker());
      stream
          .pipeline()
          .addLast(
              arrivals, FRAMES, new HttpConnection(listener, arrivals, new StreamWriter(), false));
    }
  }
}
