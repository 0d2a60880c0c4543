package dev.nereid.client;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.util.ReferenceCountUtil;
import org.jspecify.annotations.Nullable;

/** One keep-alive connection, carrying one request at a time. Confined to its event loop. */
final class HttpConnection extends ChannelInboundHandlerAdapter {
  static final String JSON_LENGTH = "Inference-Header-Content-Length";
  private static final int FIRST_FINAL_STATUS = 200;

  private final HttpLane lane;
  private final Channel channel;
  private @Nullable HttpExchange current;
  private @Nullable ByteBuf body;
  private int status;
  private int jsonLength;
  private long length;
  private boolean reusable;

  HttpConnection(HttpLane lane, Channel channel) {
    this.lane = lane;
    this.channel = channel;
  }

  boolean isActive() {
    return channel.isActive();
  }

  void send(HttpExchange exchange) {
    current = exchange;
    exchange.carriedBy(this);
    var _ = channel.writeAndFlush(exchange.wire(), channel.voidPromise());
  }

  /** Ends the connection; its exchange has had its outcome. */
  void abandon() {
    current = null;
    var _ = channel.close();
  }

  @Override
  public void channelRead(ChannelHandlerContext ctx, Object message) {
    try {
      if (message instanceof HttpResponse response) {
        begin(response);
      }
      if (message instanceof HttpContent content) {
        if (content.decoderResult().isFailure()) {
          fail(
              CallFailure.of(
                  CallFailure.Kind.MALFORMED, "reply: " + content.decoderResult().cause()));
          return;
        }
        append(content.content());
        if (content instanceof LastHttpContent && status >= FIRST_FINAL_STATUS) {
          complete();
        }
      }
    } finally {
      ReferenceCountUtil.release(message);
    }
  }

  private void begin(HttpResponse response) {
    status = response.decoderResult().isFailure() ? 0 : response.status().code();
    if (status == 0) {
      fail(CallFailure.of(CallFailure.Kind.MALFORMED, "reply: not HTTP/1.1"));
      return;
    }
    reusable = HttpUtil.isKeepAlive(response);
    length = HttpUtil.getContentLength(response, -1L);
    jsonLength = response.headers().getInt(JSON_LENGTH, -1);
    releaseBody();
    if (length < 0 && !HttpUtil.isTransferEncodingChunked(response)) {
      reusable = false;
    }
    if (response.headers().contains(HttpHeaderNames.CONTENT_ENCODING)) {
      fail(
          CallFailure.of(
              CallFailure.Kind.MALFORMED, "reply: compressed (expected: not asked for)"));
    }
  }

  private void append(ByteBuf chunk) {
    if (!chunk.isReadable() || current == null) {
      return;
    }
    ByteBuf collected = body;
    if (collected == null && chunk.readableBytes() == length) {
      body = chunk.retain();
    } else if (collected == null) {
      int expected = Math.clamp(length, chunk.readableBytes(), Integer.MAX_VALUE);
      body = channel.alloc().directBuffer(expected).writeBytes(chunk);
    } else {
      collected.writeBytes(chunk);
    }
  }

  private void complete() {
    HttpExchange finished = current;
    current = null;
    ByteBuf reply = body;
    body = null;
    try {
      if (reusable && finished != null) {
        lane.release(this);
      } else {
        var _ = channel.close();
      }
      if (finished != null) {
        finished.reply(status, jsonLength, reply == null ? Unpooled.EMPTY_BUFFER : reply);
      }
    } finally {
      if (reply != null) {
        reply.release();
      }
    }
  }

  @Override
  public void channelInactive(ChannelHandlerContext ctx) {
    fail(CallFailure.of(CallFailure.Kind.LOST, "connection closed before the reply was complete"));
    lane.closed(this);
    ctx.fireChannelInactive();
  }

  @Override
  public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
    fail(CallFailure.of(CallFailure.Kind.LOST, String.valueOf(cause.getMessage())));
  }

  /** Fails what is under way and closes the connection. */
  void fail(CallFailure failure) {
    HttpExchange failed = current;
    current = null;
    releaseBody();
    var _ = channel.close();
    if (failed != null) {
      failed.fail(failure);
    }
  }

  private void releaseBody() {
    ByteBuf collected = body;
    body = null;
    if (collected != null) {
      collected.release();
    }
  }
}
