package dev.nereid.client;

import io.netty.buffer.ByteBuf;
import io.netty.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * One request and what becomes of it. Confined to its lane's event loop; the receiver hears of
 * exactly one outcome.
 */
final class HttpExchange {

  /** Told of the outcome, on the lane's event loop. */
  interface Listener {
    /** A complete reply of any status; the body is valid until this returns. */
    void replied(int status, int jsonLength, ByteBuf body);

    /** There will be no reply. */
    void failed(CallFailure failure);
  }

  private final EncodedCall call;
  private final Listener listener;
  private boolean done;
  private @Nullable HttpConnection connection;
  private @Nullable Future<?> timer;

  HttpExchange(EncodedCall call, Listener listener) {
    this.call = call;
    this.listener = listener;
  }

  ByteBuf wire() {
    return call.wire();
  }

  boolean isDone() {
    return done;
  }

  /** The connection that carries it, so that giving up can end it. */
  void carriedBy(HttpConnection carrier) {
    connection = carrier;
  }

  void timedBy(Future<?> deadline) {
    timer = deadline;
  }

  void reply(int status, int jsonLength, ByteBuf body) {
    if (finish()) {
      listener.replied(status, jsonLength, body);
    }
  }

  void fail(CallFailure failure) {
    if (finish()) {
      listener.failed(failure);
    }
  }

  /**
   * Fails, and ends the connection if the request is on it: HTTP/1.1 has no other way to withdraw.
   */
  void giveUp(CallFailure failure) {
    HttpConnection carrier = connection;
    if (finish()) {
      if (carrier != null) {
        carrier.abandon();
      }
      listener.failed(failure);
    }
  }

  private boolean finish() {
    if (done) {
      return false;
    }
    done = true;
    connection = null;
    Future<?> pending = timer;
    if (pending != null) {
      pending.cancel(false);
    }
    return true;
  }
}
