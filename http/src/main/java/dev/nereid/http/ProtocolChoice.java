package dev.nereid.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelPipeline;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Stands before HTTP/1.1 until the first bytes of a connection tell what it speaks, then leaves.
 * Over TLS the handshake tells. Costs a request nothing.
 */
final class ProtocolChoice extends ChannelInboundHandlerAdapter {
  private static final byte[] PREFACE =
      "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII);

  private final HttpListener listener;
  private @Nullable ByteBuf held;

  ProtocolChoice(HttpListener listener) {
    this.listener = listener;
  }

  @Override
  public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
    if (event instanceof SslHandshakeCompletionEvent handshake && handshake.isSuccess()) {
      SslHandler tls = ctx.pipeline().get(SslHandler.class);
      if (tls != null && "h2".equals(tls.applicationProtocol())) {
        speakHttp2(ctx.pipeline());
      }
      ctx.pipeline().remove(this);
    }
    ctx.fireUserEventTriggered(event);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (!(message instanceof ByteBuf arrived)) {
      ctx.fireChannelRead(message);
      return;
    }
    ByteBuf bytes = held == null ? arrived : Unpooled.wrappedBuffer(held, arrived);
    held = null;
    int same = commonLength(bytes);
    if (same == bytes.readableBytes() && same < PREFACE.length) {
      held = bytes;
      return;
    }
    if (same == PREFACE.length) {
      speakHttp2(ctx.pipeline());
    }
    ctx.pipeline().remove(this);
    ctx.fireChannelRead(bytes);
  }

  @Override
  public void handlerRemoved(ChannelHandlerContext ctx) {
    if (held != null) {
      held.release();
      held = null;
    }
  }

  private static int commonLength(ByteBuf bytes) {
    int most = Math.min(bytes.readableBytes(), PREFACE.length);
    int same = 0;
    while (same < most && bytes.getByte(bytes.readerIndex() + same) == PREFACE[same]) {
      same++;
    }
    return same;
  }

  private void speakHttp2(ChannelPipeline pipeline) {
    pipeline.remove(RequestDecoder.class);
    if (pipeline.get(HttpUpgrade.class) != null) {
      pipeline.remove(HttpUpgrade.class);
    }
    pipeline.remove(HttpConnection.class);
    var _ = Http2Session.install(listener, pipeline);
  }
}
