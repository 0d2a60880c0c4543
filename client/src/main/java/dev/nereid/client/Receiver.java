package dev.nereid.client;

/**
 * Told of the outcome of one call: exactly one of both methods, once, on an event loop or, when
 * nothing could be sent, on the caller's thread. It must not block and may send the next call.
 */
public interface Receiver {
  /** The reply is complete; its bytes are valid until this returns. */
  void received(RawReply reply);

  /** There will be no reply. */
  void failed(CallFailure failure);
}
