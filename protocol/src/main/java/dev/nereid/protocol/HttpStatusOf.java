package dev.nereid.protocol;

import dev.nereid.core.Fault;

/** The HTTP statuses of v2. */
public final class HttpStatusOf {
  private HttpStatusOf() {}

  /** The status that tells of a fault. */
  public static int fault(Fault fault) {
    return switch (fault) {
      case INVALID_ARGUMENT, UNPROCESSABLE, UNSUPPORTED_MEDIA, TOO_LARGE, ALREADY_EXISTS -> 400;
      case CANCELLED -> 400;
      case NOT_FOUND -> 404;
      case BACKEND_FAILED, INTERNAL -> 500;
      case UNSUPPORTED -> 501;
      case NOT_READY, OVERLOADED, QUEUE_TIMEOUT -> 503;
      case DEADLINE_EXCEEDED -> 504;
    };
  }
}
