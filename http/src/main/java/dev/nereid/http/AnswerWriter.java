package dev.nereid.http;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;

/** Puts answers on the wire in the form of one version of HTTP. Confined to the event loop. */
interface AnswerWriter {
  /** What the connection says of itself in an answer. */
  enum Persistence {
    /** Open, as HTTP/1.1 has it when nothing is said. */
    USUAL,
    /** Open, which an HTTP/1.0 client must be told. */
    KEEP_ALIVE,
    /** Closed after this answer. */
    CLOSE;

    static Persistence of(RequestHead request, boolean close) {
      if (close) {
        return CLOSE;
      }
      return request.oldVersion() ? KEEP_ALIVE : USUAL;
    }
  }

  /** Writes without flushing; the answer's buffers belong to the channel from now on. */
  void write(
      ChannelHandlerContext ctx, RequestHead request, HttpAnswer answer, Persistence persistence);

  /** Writes what precedes a body that is made while it is written, without flushing. */
  void begin(
      ChannelHandlerContext ctx, RequestHead request, HttpAnswer answer, Persistence persistence);

  /** Writes a piece of that body, not empty, without flushing; it belongs to the channel now. */
  void piece(ChannelHandlerContext ctx, RequestHead request, ByteBuf piece);

  /** Writes what follows the last piece, without flushing. */
  void end(ChannelHandlerContext ctx, RequestHead request);

  /** Asks a client to go on with its body, without flushing. */
  void goOn(ChannelHandlerContext ctx);

  /** Ends the connection at once; what is not written yet is dropped. */
  void abort(ChannelHandlerContext ctx);

  /** Flushes; done when everything was written or can no longer be. */
  ChannelFuture finish(ChannelHandlerContext ctx);
}
