package dev.nereid.client;

/** A call on its way. */
@FunctionalInterface
public interface InFlight {
  /**
   * Withdraws the call if no outcome is known yet: its receiver is told of a failure of kind
   * CANCELLED, and the server of the end of the stream or connection. Any thread; harmless later.
   */
  void cancel();
}
