package dev.nereid.http;

import io.netty.buffer.ByteBuf;

/** An answer on its way to the socket. Owns its parts until they are written. */
record HttpAnswer(int status, ResponseHeaders headers, Runnable whenWritten, ByteBuf[] parts) {
  /** Nothing to do after the answer is written. */
  static final Runnable NOTHING = () -> {};

  int bodyBytes() {
    int bytes = 0;
    for (ByteBuf part : parts) {
      bytes = Math.addExact(bytes, part.readableBytes());
    }
    return bytes;
  }

  /** Releases the parts without writing them. */
  void discard() {
    for (ByteBuf part : parts) {
      part.release();
    }
    whenWritten.run();
  }
}
