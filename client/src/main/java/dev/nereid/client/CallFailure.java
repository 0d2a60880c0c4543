package dev.nereid.client;

/**
 * Why a call brought no result.
 *
 * @param code the server's status as its protocol writes it ({@code 503}, {@code UNAVAILABLE}), or
 *     the kind in lower case where no server answered
 * @param message for people
 */
public record CallFailure(Kind kind, String code, String message) {

  /** Where the call ended. */
  public enum Kind {
    /** No connection came about. */
    CONNECT,
    /** The connection ended before the reply did. */
    LOST,
    /** The time allowed was over. */
    DEADLINE,
    /** The caller withdrew. */
    CANCELLED,
    /** The server answered with an error. */
    SERVER,
    /** What came back is no reply of this protocol. */
    MALFORMED,
    /** A limit of this client was reached and nothing was sent. */
    LIMIT
  }

  static CallFailure of(Kind kind, String message) {
    return new CallFailure(kind, kind.name().toLowerCase(java.util.Locale.ROOT), message);
  }

  static CallFailure server(String code, String message) {
    return new CallFailure(Kind.SERVER, code, message);
  }

  /** Whether the server refused because it has too much to do, or none of it can serve now. */
  public boolean isOverload() {
    return kind == Kind.SERVER
        && switch (code) {
          case "429", "503", "UNAVAILABLE", "RESOURCE_EXHAUSTED" -> true;
          default -> false;
        };
  }
}
