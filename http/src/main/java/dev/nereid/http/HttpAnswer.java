package dev.nereid.http;

import io.netty.buffer.ByteBuf;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An answer on its way to the socket. Owns its parts until they are written.
 *
 * @param whenWritten null when there is nothing to do then
 */
record HttpAnswer(
    int status, ResponseHeaders headers, @Nullable Runnable whenWritten, List<ByteBuf> parts) {

  int bodyBytes() {
    int bytes = 0;
    for (int i = 0; i < parts.size(); i++) {
      bytes = Math.addExact(bytes, parts.get(i).readableBytes());
    }
    return bytes;
  }

  /** Releases the parts without writing them. */
  void discard() {
    for (ByteBuf part : parts) {
      part.release();
    }
    if (whenWritten != null) {
      whenWritten.run();
    }
  }
}
