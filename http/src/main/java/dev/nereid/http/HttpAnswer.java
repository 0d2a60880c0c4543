package dev.nereid.http;

import io.netty.buffer.ByteBuf;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An answer on its way to the socket. Owns its parts, or the source of its body, until they are
 * written.
 *
 * @param whenWritten null when there is nothing to do then
 * @param source makes the body while it is written; null where it is the parts
 */
record HttpAnswer(
    int status,
    ResponseHeaders headers,
    @Nullable Runnable whenWritten,
    List<ByteBuf> parts,
    @Nullable BodySource source) {

  /** An answer whose body is there. */
  HttpAnswer(
      int status, ResponseHeaders headers, @Nullable Runnable whenWritten, List<ByteBuf> parts) {
    this(status, headers, whenWritten, parts, null);
  }

  /** The same answer, with more lines in its head. */
  HttpAnswer with(ResponseHeaders more) {
    return more == ResponseHeaders.NONE
        ? this
        : new HttpAnswer(status, headers.and(more), whenWritten, parts, source);
  }

  int bodyBytes() {
    int bytes = 0;
    for (int i = 0; i < parts.size(); i++) {
      bytes = Math.addExact(bytes, parts.get(i).readableBytes());
    }
    return bytes;
  }

  /** Gives back what is not written, and ends what makes the body. */
  void discard() {
    for (ByteBuf part : parts) {
      part.release();
    }
    if (source != null) {
      source.close();
    }
    if (whenWritten != null) {
      whenWritten.run();
    }
  }
}
