package dev.nereid.http;

import dev.nereid.core.Timings;

/** What a listener counts. Called on event loops: must not block. */
public interface HttpMetrics {
  /** Counts nothing. */
  HttpMetrics NONE = new HttpMetrics() {};

  /** A connection was accepted. */
  default void connectionOpened() {}

  /** An accepted connection has ended. */
  default void connectionClosed() {}

  /** A client did not come through the TLS handshake. */
  default void handshakeFailed() {}

  /** The listener answered by itself. */
  default void refused(Refusal refusal) {}

  /**
   * An answer was given to the socket.
   *
   * @param bytesIn of the request's body
   * @param bytesOut of the answer's body
   * @param nanos since the request's first byte was read
   */
  default void answered(int status, long bytesIn, long bytesOut, long nanos) {}

  /**
   * A model's answer was given to the socket.
   *
   * @param encodeNanos from the model's outputs to the answer
   */
  default void phases(Timings timings, long encodeNanos) {}

  /** The client left before its answer. */
  default void abandoned() {}
}
