package dev.nereid.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http2.DefaultHttp2DataFrame;
import io.netty.handler.codec.http2.DefaultHttp2Headers;
import io.netty.handler.codec.http2.DefaultHttp2HeadersFrame;
import io.netty.handler.codec.http2.DefaultHttp2ResetFrame;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Headers;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Writes the answer of one HTTP/2 stream as frames. */
final class StreamWriter implements AnswerWriter {
  /** Bodies are handed over in pieces, so that it shows whether the client takes them. */
  private static final int PIECE = 64 << 10;

  private @Nullable ChannelFuture last;

  @Override
  public void write(
      ChannelHandlerContext ctx, RequestHead request, HttpAnswer answer, Persistence persistence) {
    boolean allowed = ResponseEncoder.allowsBody(answer.status());
    int bytes = answer.bodyBytes();
    Http2Headers headers = headers(answer);
    if (allowed) {
      headers.setInt("content-length", bytes);
    }
    boolean bodyless = request.isHead() || !allowed || bytes == 0;
    ChannelFuture written = ctx.write(new DefaultHttp2HeadersFrame(headers, bodyless));
    int rest = bodyless ? 0 : bytes;
    for (ByteBuf part : answer.parts()) {
      while (rest > 0 && part.isReadable()) {
        ByteBuf piece = part.readRetainedSlice(Math.min(PIECE, part.readableBytes()));
        rest -= piece.readableBytes();
        written = ctx.write(new DefaultHttp2DataFrame(piece, rest == 0));
      }
      part.release();
    }
    last = written;
    Runnable whenWritten = answer.whenWritten();
    if (whenWritten != null) {
      written.addListener(_ -> whenWritten.run());
    }
  }

  @Override
  public void begin(
      ChannelHandlerContext ctx, RequestHead request, HttpAnswer answer, Persistence persistence) {
    last = ctx.write(new DefaultHttp2HeadersFrame(headers(answer), false));
  }

  @Override
  public void piece(ChannelHandlerContext ctx, RequestHead request, ByteBuf piece) {
    last = ctx.write(new DefaultHttp2DataFrame(piece, false));
  }

  @Override
  public void end(ChannelHandlerContext ctx, RequestHead request) {
    last = ctx.write(new DefaultHttp2DataFrame(true));
  }

  @Override
  public void goOn(ChannelHandlerContext ctx) {
    Http2Headers headers = new DefaultHttp2Headers().status("100");
    var _ = ctx.write(new DefaultHttp2HeadersFrame(headers, false));
  }

  @Override
  public void abort(ChannelHandlerContext ctx) {
    // Without this, a stream whose last frame waits in the queue would stay there.
    var _ = ctx.writeAndFlush(new DefaultHttp2ResetFrame(Http2Error.CANCEL));
    var _ = ctx.close();
  }

  @Override
  public ChannelFuture finish(ChannelHandlerContext ctx) {
    ctx.flush();
    ChannelFuture written = last;
    return written == null ? ctx.newSucceededFuture() : written;
  }

  private static Http2Headers headers(HttpAnswer answer) {
    Http2Headers headers = new DefaultHttp2Headers().status(Integer.toString(answer.status()));
    add(headers, answer.headers().toString());
    add(headers, new String(HttpDate.line(), StandardCharsets.US_ASCII));
    return headers;
  }

  /** Adds lines as HTTP/1.1 has them; in HTTP/2 names are in lower case. */
  private static void add(Http2Headers headers, String lines) {
    for (int start = 0; start < lines.length(); ) {
      int colon = lines.indexOf(':', start);
      int end = lines.indexOf('\r', colon);
      headers.add(
          lines.substring(start, colon).toLowerCase(Locale.ROOT), lines.substring(colon + 2, end));
      start = end + 2;
    }
  }
}
