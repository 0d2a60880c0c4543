package dev.nereid.http;

import dev.nereid.core.Ticker;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.HttpDecoderConfig;
import io.netty.handler.codec.http.HttpMessage;
import io.netty.handler.codec.http.HttpRequestDecoder;

/**
 * Netty's decoder, which also notes when bytes were read, and refuses a request that declares its
 * length in two ways (the trick behind request smuggling).
 */
final class RequestDecoder extends HttpRequestDecoder implements Arrivals {
  private static final int MAX_CHUNK = 1 << 20;

  private final Ticker ticker;
  private long readNanos;
  private long firstByteNanos;

  RequestDecoder(ListenerOptions.Limits limits, Ticker ticker) {
    super(
        new HttpDecoderConfig()
            .setMaxInitialLineLength(limits.initialLineBytes())
            .setMaxHeaderSize(limits.headerBytes())
            .setMaxChunkSize(MAX_CHUNK));
    this.ticker = ticker;
    this.readNanos = ticker.nanos();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object msg) throws Exception {
    readNanos = ticker.nanos();
    if (actualReadableBytes() == 0) {
      firstByteNanos = readNanos;
    }
    super.channelRead(ctx, msg);
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
    return actualReadableBytes() > 0;
  }

  @Override
  protected void handleTransferEncodingChunkedWithContentLength(HttpMessage message) {
    throw new IllegalArgumentException("both content-length and transfer-encoding");
  }
}
