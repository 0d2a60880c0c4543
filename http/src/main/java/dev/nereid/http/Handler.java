package dev.nereid.http;

import dev.nereid.access.Need;

/**
 * Answers requests. Called on an event loop once the whole body is there: must not block and must
 * not compute for long. {@link HttpExchange#respond} is then called exactly once for each exchange,
 * by any thread, also when the client has left.
 */
@FunctionalInterface
public interface Handler {
  /**
   * What a request needs its caller to be; asked once, when its head was read, of a listener that
   * asks who calls. Its body and deadline are not there yet. Unless a handler says otherwise, that
   * is the most.
   */
  default Need need(HttpExchange exchange) {
    return Need.ADMINISTRATION;
  }

  /** Takes a request; what it throws is answered with 500. */
  void handle(HttpExchange exchange);
}
