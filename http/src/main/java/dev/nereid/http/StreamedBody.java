package dev.nereid.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Moves a body from its source to the channel as the channel takes it. Confined to its loop. */
final class StreamedBody {
  private static final Logger LOG = LoggerFactory.getLogger(StreamedBody.class);

  private final ChannelHandlerContext ctx;
  private final AnswerWriter writer;
  private final RequestHead request;
  private final BodySource source;
  private long bytes;
  private boolean ended;
  private boolean writing;
  private boolean again;

  StreamedBody(
      ChannelHandlerContext ctx, AnswerWriter writer, RequestHead request, BodySource source) {
    this.ctx = ctx;
    this.writer = writer;
    this.request = request;
    this.source = source;
  }

  /** Writes the answer's head. */
  void begin(HttpAnswer answer, AnswerWriter.Persistence persistence) {
    writer.begin(ctx, request, answer, persistence);
  }

  /** Writes pieces for as long as the channel takes them; whether there was any. */
  boolean write() {
    if (writing) {
      again = true; // the source has told of more while it was asked
      return false;
    }
    writing = true;
    boolean any = false;
    try {
      do {
        again = false;
        while (writeOne()) {
          any = true;
        }
      } while (again && !ended && ctx.channel().isWritable());
    } catch (RuntimeException e) {
      LOG.error("{} {}: the body cannot be made", request.method(), request.path(), e);
      writer.abort(ctx);
    } finally {
      writing = false;
    }
    return any;
  }

  private boolean writeOne() {
    if (ended || !ctx.channel().isWritable()) {
      return false;
    }
    ByteBuf piece = request.isHead() ? null : source.next();
    if (piece != null) {
      bytes += piece.readableBytes();
      writer.piece(ctx, request, piece);
      return true;
    }
    ended = request.isHead() || source.isEnded();
    if (ended) {
      writer.end(ctx, request);
    }
    return ended;
  }

  boolean isEnded() {
    return ended;
  }

  long bytes() {
    return bytes;
  }
}
