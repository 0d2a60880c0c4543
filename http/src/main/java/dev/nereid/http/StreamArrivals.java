package dev.nereid.http;

import dev.nereid.core.Ticker;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;

/** Notes when frames of one HTTP/2 stream came. */
final class StreamArrivals extends ChannelInboundHandlerAdapter implements Arrivals {
  private final Ticker ticker;
  private final long firstByteNanos;
  private long readNanos;

  StreamArrivals(Ticker ticker) {
    this.ticker = ticker;
    firstByteNanos = ticker.nanos();
    readNanos = firstByteNanos;
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    readNanos = ticker.nanos();
    ctx.fireChannelRead(message);
  }

  @Override
  public long readNanos() {
    return readNanos;
  }

  @Override
  public long firstByteNanos() {
    return firstByteNanos;
  }

  @Override
  public boolean holdsPart() {
    return false;
  }
}
