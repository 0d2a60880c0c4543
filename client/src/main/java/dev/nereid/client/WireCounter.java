package dev.nereid.client;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelDuplexHandler;
import io.netty.channel.ChannelHandler.Sharable;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import java.util.concurrent.atomic.LongAdder;

/** Sits next to the socket and counts what passes. One for any number of channels. */
@Sharable
final class WireCounter extends ChannelDuplexHandler {
  private final LongAdder out = new LongAdder();
  private final LongAdder in = new LongAdder();
  private final LongAdder opened = new LongAdder();
  private final LongAdder closed = new LongAdder();

  Traffic read() {
    long ended = closed.sum(); // first, so that what is open is never negative
    long begun = opened.sum();
    return new Traffic(out.sum(), in.sum(), begun, begun - ended);
  }

  @Override
  public void channelActive(ChannelHandlerContext ctx) {
    opened.increment();
    ctx.fireChannelActive();
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    closed.increment();
    ctx.fireChannelInactive();
  }

  @Override
  public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
    if (message instanceof ByteBuf bytes) {
      out.add(bytes.readableBytes());
    }
    var _ = ctx.write(message, promise);
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    if (message instanceof ByteBuf bytes) {
      in.add(bytes.readableBytes());
    }
    ctx.fireChannelRead(message);
  }
}
