package dev.nereid.http;

import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2StreamChannel;
import io.netty.handler.ssl.SslHandler;
import java.util.concurrent.TimeUnit;

/**
 * Ends a connection, or a stream of HTTP/2, so that its client reads the last answer. A connection
 * that ends before its request was read whole (413, 408) closes our side first and throws away what
 * still comes for a while: else the client's system might drop the answer that it has not read yet.
 * A stream that does is reset without an error: told of one, clients throw the answer away.
 */
final class LastWords {
  /** How long a client may take to notice. */
  static final long LINGER_MILLIS = 2_000;

  private LastWords() {}

  /**
   * Ends the connection once the last answer was written.
   *
   * @param unread whether a part of the request has not come
   */
  static void closeAfter(ChannelFuture written, ChannelHandlerContext ctx, boolean unread) {
    if (unread && ctx.channel() instanceof DuplexChannel duplex) {
      ctx.channel().config().setAutoRead(true);
      var _ = written.addListener(_ -> finishSending(duplex));
      var _ = ctx.executor().schedule(() -> close(ctx), LINGER_MILLIS, TimeUnit.MILLISECONDS);
    } else if (unread && ctx.channel() instanceof Http2StreamChannel) {
      var _ = written.addListener(_ -> finishStream(ctx));
    } else {
      var _ = written.addListener(ChannelFutureListener.CLOSE);
    }
  }

  /**
   * Tells the client that its answer is whole and the rest of its body unwanted (RFC 9113, 8.1).
   */
  private static void finishStream(ChannelHandlerContext ctx) {
    var reset = new DefaultHttp2ResetFrame(Http2Error.NO_ERROR);
    var _ = ctx.writeAndFlush(reset).addListener(ChannelFutureListener.CLOSE);
  }

  private static void close(ChannelHandlerContext ctx) {
    var _ = ctx.close();
  }

  private static void finishSending(DuplexChannel channel) {
    SslHandler tls = channel.pipeline().get(SslHandler.class);
    if (tls == null) {
      var _ = channel.shutdownOutput();
    } else {
      var _ = tls.closeOutbound();
    }
  }
}
