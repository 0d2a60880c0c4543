package dev.nereid.http;

/** Where the line of each answered request goes. Called on event loops: must not block. */
@FunctionalInterface
public interface AccessLog {
  /** Keeps nothing. */
  AccessLog OFF = (_, _, _, _) -> {};

  /**
   * A request was answered.
   *
   * @param bytes of the answer's body
   * @param nanos since the request's first byte was read
   */
  void answered(HttpExchange exchange, int status, long bytes, long nanos);
}
