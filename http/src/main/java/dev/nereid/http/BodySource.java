package dev.nereid.http;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * A body that is made while it is written. It is asked for a piece only when the connection can
 * take one, so that a client that stops reading stops what makes the body.
 *
 * <p><b>Threading.</b> {@link #next} and {@link #isEnded} are called by the connection's event
 * loop: they must not block, compute long or throw. {@link #close} is called once, by any thread.
 *
 * <p><b>Order.</b> When {@link #next} has nothing at hand though the body has not ended, the source
 * calls {@link HttpExchange#more} once it has. {@code close} comes last: after the last piece was
 * taken, or, when the client has left, at any moment.
 */
public interface BodySource extends AutoCloseable {
  /** The next piece, which the connection releases; null when none is at hand. */
  @Nullable ByteBuf next();

  /** Whether {@link #next} has given everything. */
  boolean isEnded();

  @Override
  void close();
}
