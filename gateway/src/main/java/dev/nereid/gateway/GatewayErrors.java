package dev.nereid.gateway;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.http.HttpExchange;
import dev.nereid.http.Refusal;
import dev.nereid.http.RefusalAnswers;
import dev.nereid.http.ResponseHeaders;
import java.util.Locale;

/** Faults in the words of the image API: a status, and {@code {"detail": text, "error": code}}. */
final class GatewayErrors implements RefusalAnswers {
  private static final int RETRY_SECONDS = 1;
  private static final ResponseHeaders JSON =
      ResponseHeaders.of("content-type", "application/json")
          .with("x-content-type-options", "nosniff");
  private static final ResponseHeaders JSON_LATER = JSON.with("retry-after", RETRY_SECONDS);

  /** The status that answers a fault. */
  static int status(Fault fault) {
    return switch (fault) {
      case INVALID_ARGUMENT -> 400;
      case NOT_FOUND -> 404;
      case ALREADY_EXISTS -> 409;
      case TOO_LARGE -> 413;
      case UNSUPPORTED_MEDIA -> 415;
      case UNPROCESSABLE -> 422;
      case OVERLOADED, QUEUE_TIMEOUT -> 429;
      case CANCELLED -> 499;
      case BACKEND_FAILED, INTERNAL -> 500;
      case UNSUPPORTED -> 501;
      case NOT_READY -> 503;
      case DEADLINE_EXCEEDED -> 504;
    };
  }

  /** The headers of an answer with that status. */
  static ResponseHeaders headers(int status) {
    return status == 429 || status == 503 ? JSON_LATER : JSON;
  }

  /** The machine's word for a fault. */
  static String code(Fault fault) {
    return fault.name().toLowerCase(Locale.ROOT);
  }

  /** Answers with a failure. */
  static void respond(HttpExchange exchange, Failure failure) {
    int status = status(failure.fault());
    exchange.respond(
        status,
        headers(status),
        JsonReply.object(json -> JsonReply.error(json, code(failure.fault()), failure.message())));
  }

  @Override
  public Answer answer(Refusal refusal, String detail) {
    int status = status(refusal);
    String code = refusal.name().toLowerCase(Locale.ROOT);
    // The listener itself knows when a caller may come back.
    ResponseHeaders headers = refusal == Refusal.CALLER_LIMIT ? JSON : headers(status);
    return new Answer(status, headers, JsonReply.error(code, detail));
  }

  /** Overload is the gateway's 429; only a listener that is full, or has no memory, says 503. */
  private static int status(Refusal refusal) {
    return switch (refusal) {
      case TOO_MANY_REQUESTS, TOO_MANY_BYTES -> 429;
      case MALFORMED,
          UNAUTHENTICATED,
          FORBIDDEN,
          SLOW,
          LENGTH_REQUIRED,
          BODY_TOO_LARGE,
          URI_TOO_LONG,
          EXPECTATION_FAILED,
          CALLER_LIMIT,
          HEADERS_TOO_LARGE,
          HANDLER_FAILED,
          UNSUPPORTED_CODING,
          NO_MEMORY,
          CANNOT_TELL,
          TOO_MANY_CONNECTIONS ->
          refusal.status();
    };
  }
}
