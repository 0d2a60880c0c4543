package dev.nereid.http;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.http.HttpResponseStatus;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * Writes answers as bytes. A small body is copied behind its head, so that one buffer and one
 * system call carry both; a big one is written as it is.
 */
final class ResponseEncoder implements AnswerWriter {
  /** The only one, for all connections. */
  static final ResponseEncoder HTTP_1 = new ResponseEncoder();

  /** Bodies up to this size are copied. */
  private static final int COPIED = 16 << 10;

  private static final byte[][] STATUS_LINES = new byte[600][];
  private static final String[] STATUS_TEXTS = new String[STATUS_LINES.length];
  private static final byte[] CONTINUE = ascii("HTTP/1.1 100 Continue\r\n\r\n");
  private static final byte[] LENGTH = ascii("content-length: ");
  private static final byte[] CLOSE = ascii("connection: close\r\n");
  private static final byte[] KEEP_ALIVE = ascii("connection: keep-alive\r\n");
  private static final byte[] LINE_END = ascii("\r\n");
  private static final byte[] CHUNKED = ascii("transfer-encoding: chunked\r\n\r\n");
  private static final byte[] LAST_CHUNK = ascii("0\r\n\r\n");
  private static final int LONGEST_SIZE = 8 + 2 * LINE_END.length;
  private static final int LONGEST_TAIL = 96;

  static {
    for (int status = 100; status < STATUS_LINES.length; status++) {
      STATUS_TEXTS[status] = Integer.toString(status);
      HttpResponseStatus known = HttpResponseStatus.valueOf(status);
      STATUS_LINES[status] = ascii("HTTP/1.1 " + status + " " + known.reasonPhrase() + "\r\n");
    }
  }

  private ResponseEncoder() {}

  /** The status as text: {@code 200}. */
  static String statusText(int status) {
    return STATUS_TEXTS[status];
  }

  @Override
  public void write(
      ChannelHandlerContext ctx, RequestHead request, HttpAnswer answer, Persistence persistence) {
    int bodyBytes = answer.bodyBytes();
    boolean bodyless = request.isHead() || !allowsBody(answer.status());
    boolean copied = bodyless || bodyBytes <= COPIED;
    ByteBuf head = head(ctx, answer, bodyBytes, persistence, copied && !bodyless ? bodyBytes : 0);
    ChannelPromise last = promise(ctx, answer);
    if (!copied) {
      var _ = ctx.write(head, ctx.voidPromise());
      List<ByteBuf> parts = answer.parts();
      for (int i = 0; i < parts.size() - 1; i++) {
        var _ = ctx.write(parts.get(i), ctx.voidPromise());
      }
      var _ = ctx.write(parts.getLast(), last);
      return;
    }
    for (ByteBuf part : answer.parts()) {
      if (!bodyless) {
        head.writeBytes(part, part.readerIndex(), part.readableBytes());
      }
      part.release();
    }
    var _ = ctx.write(head, last);
  }

  /** In pieces that tell their length; to a client of HTTP/1.0, until the connection ends. */
  @Override
  public void begin(
      ChannelHandlerContext ctx, RequestHead request, HttpAnswer answer, Persistence persistence) {
    boolean old = request.oldVersion();
    ByteBuf head = head(ctx, answer, -1, old ? Persistence.CLOSE : persistence, CHUNKED.length);
    if (!old) {
      head.writerIndex(head.writerIndex() - 2).writeBytes(CHUNKED);
    }
    var _ = ctx.write(head, ctx.voidPromise());
  }

  @Override
  public void piece(ChannelHandlerContext ctx, RequestHead request, ByteBuf piece) {
    if (request.oldVersion()) {
      var _ = ctx.write(piece, ctx.voidPromise());
      return;
    }
    int bytes = piece.readableBytes();
    boolean copied = bytes <= COPIED;
    ByteBuf chunk = ctx.alloc().directBuffer(LONGEST_SIZE + (copied ? bytes : 0));
    chunk.writeCharSequence(Integer.toHexString(bytes), StandardCharsets.US_ASCII);
    chunk.writeBytes(LINE_END);
    if (copied) {
      chunk.writeBytes(piece, piece.readerIndex(), bytes).writeBytes(LINE_END);
      piece.release();
      var _ = ctx.write(chunk, ctx.voidPromise());
      return;
    }
    var _ = ctx.write(chunk, ctx.voidPromise());
    var _ = ctx.write(piece, ctx.voidPromise());
    var _ = ctx.write(ctx.alloc().directBuffer(2).writeBytes(LINE_END), ctx.voidPromise());
  }

  @Override
  public void end(ChannelHandlerContext ctx, RequestHead request) {
    if (!request.oldVersion() && !request.isHead()) {
      ByteBuf chunk = ctx.alloc().directBuffer(LAST_CHUNK.length).writeBytes(LAST_CHUNK);
      var _ = ctx.write(chunk, ctx.voidPromise());
    }
  }

  @Override
  public void goOn(ChannelHandlerContext ctx) {
    ByteBuf line = ctx.alloc().directBuffer(CONTINUE.length).writeBytes(CONTINUE);
    var _ = ctx.write(line, ctx.voidPromise());
  }

  @Override
  public void abort(ChannelHandlerContext ctx) {
    var _ = ctx.close();
  }

  @Override
  public ChannelFuture finish(ChannelHandlerContext ctx) {
    return ctx.writeAndFlush(Unpooled.EMPTY_BUFFER);
  }

  private static ByteBuf head(
      ChannelHandlerContext ctx,
      HttpAnswer answer,
      int bodyBytes,
      Persistence persistence,
      int bodyRoom) {
    byte[] status = STATUS_LINES[answer.status()];
    byte[] lines = answer.headers().lines();
    byte[] date = HttpDate.line();
    int size = status.length + lines.length + date.length + LONGEST_TAIL + bodyRoom;
    ByteBuf head = ctx.alloc().directBuffer(size);
    head.writeBytes(status).writeBytes(lines).writeBytes(date);
    if (bodyBytes >= 0 && allowsBody(answer.status())) {
      head.writeBytes(LENGTH);
      writeDecimal(head, bodyBytes);
      head.writeShort('\r' << 8 | '\n');
    }
    switch (persistence) {
      case USUAL -> {}
      case KEEP_ALIVE -> head.writeBytes(KEEP_ALIVE);
      case CLOSE -> head.writeBytes(CLOSE);
    }
    return head.writeShort('\r' << 8 | '\n');
  }

  private static ChannelPromise promise(ChannelHandlerContext ctx, HttpAnswer answer) {
    Runnable whenWritten = answer.whenWritten();
    if (whenWritten == null) {
      return ctx.voidPromise();
    }
    return ctx.newPromise().addListener(_ -> whenWritten.run());
  }

  static boolean allowsBody(int status) {
    return status >= 200 && status != 204 && status != 304;
  }

  private static void writeDecimal(ByteBuf target, int value) {
    long divisor = 1;
    while (value / divisor >= 10) {
      divisor *= 10;
    }
    for (long d = divisor; d > 0; d /= 10) {
      target.writeByte('0' + (int) (value / d % 10));
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
