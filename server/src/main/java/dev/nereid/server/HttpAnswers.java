package dev.nereid.server;

import dev.nereid.core.Failure;
import dev.nereid.http.HttpExchange;
import dev.nereid.http.ResponseHeaders;
import dev.nereid.protocol.HttpStatusOf;
import dev.nereid.protocol.JsonBodies;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.concurrent.atomic.AtomicReferenceArray;

/** The forms of v2's answers over HTTP. Stateless. */
final class HttpAnswers {
  static final ResponseHeaders JSON = ResponseHeaders.of("content-type", "application/json");
  static final String TEXT_LENGTH = "Inference-Header-Content-Length";

  private static final ResponseHeaders BLOBS =
      ResponseHeaders.of("content-type", "application/octet-stream");
  private static final int KEPT_LENGTHS = 1024;
  private static final AtomicReferenceArray<ResponseHeaders> BY_TEXT_LENGTH =
      new AtomicReferenceArray<>(KEPT_LENGTHS);

  private HttpAnswers() {}

  static void empty(HttpExchange exchange, int status) {
    exchange.respond(status, ResponseHeaders.NONE, Unpooled.EMPTY_BUFFER);
  }

  static void json(HttpExchange exchange, ByteBuf body) {
    exchange.respond(200, JSON, body);
  }

  static void error(HttpExchange exchange, int status, String message) {
    exchange.respond(status, JSON, JsonBodies.error(message));
  }

  static void failure(HttpExchange exchange, Failure failure) {
    int status = HttpStatusOf.fault(failure.fault());
    exchange.failed(status, failure);
    error(exchange, status, failure.message());
  }

  /** The headers of a response whose JSON text is that long; -1 when it is JSON alone. */
  static ResponseHeaders inference(int textLength) {
    if (textLength < 0) {
      return JSON;
    }
    if (textLength >= KEPT_LENGTHS) {
      return BLOBS.with(TEXT_LENGTH, textLength);
    }
    ResponseHeaders headers = BY_TEXT_LENGTH.get(textLength);
    if (headers == null) {
      headers = BLOBS.with(TEXT_LENGTH, textLength);
      BY_TEXT_LENGTH.set(textLength, headers);
    }
    return headers;
  }
}
