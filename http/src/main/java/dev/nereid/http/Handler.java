package dev.nereid.http;

/**
 * Answers requests. Called on an event loop once the whole body is there: must not block and must
 * not compute for long. {@link HttpExchange#respond} is then called exactly once for each exchange,
 * by any thread, also when the client has left.
 */
@FunctionalInterface
public interface Handler {
  /** Takes a request; what it throws is answered with 500. */
  void handle(HttpExchange exchange);
}
