package dev.nereid.http;

/**
 * What a protocol says when its listener refuses a request. Called on event loops: must not block.
 */
@FunctionalInterface
public interface RefusalAnswers {
  /** The answer to a refusal; {@code detail} says what was wrong and is safe to show. */
  Answer answer(Refusal refusal, String detail);

  /**
   * A whole answer; the listener adds the length and what becomes of the connection.
   *
   * @param body sent as UTF-8
   */
  record Answer(int status, ResponseHeaders headers, String body) {}

  /** {@code {"error": detail}} under the usual status, with {@code Retry-After} on overload. */
  static RefusalAnswers json() {
    return (refusal, detail) -> {
      ResponseHeaders headers = ResponseHeaders.of("content-type", "application/json");
      if (refusal.isOverload()) {
        headers = headers.with("retry-after", 1);
      }
      String body = "{\"error\":\"" + JsonText.escape(detail) + "\"}";
      return new Answer(refusal.status(), headers, body);
    };
  }
}
