package dev.nereid.http;

import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** The rules that a request's head must keep before a byte of its body is read. */
final class HeadCheck {
  private static final long MAX_TIMEOUT_MILLIS = TimeUnit.DAYS.toMillis(1);

  private HeadCheck() {}

  /** A rule that was broken. */
  record Broken(Refusal refusal, String detail) {}

  /** The rule of HTTP that the head breaks, or null. */
  static @Nullable Broken check(RequestHead head, ListenerOptions.Limits limits) {
    HttpHeaders headers = head.headers();
    if (!head.oldVersion() && !headers.contains(HttpHeaderNames.HOST)) {
      return new Broken(Refusal.MALFORMED, "header host: missing (expected: the server's name)");
    }
    if (head.path().charAt(0) != '/' && !head.path().equals("*")) {
      return new Broken(Refusal.MALFORMED, "request target (expected: a path that begins with /)");
    }
    if (head.path().length() + head.rawQuery().length() > limits.initialLineBytes()) {
      return new Broken(Refusal.URI_TOO_LONG, "request target: too long");
    }
    if (head.chunked()) {
      Broken coding = checkCoding(headers);
      if (coding != null) {
        return coding;
      }
    } else if (head.contentLength() < 0
        && head.oldVersion()
        && headers.contains(HttpHeaderNames.CONTENT_TYPE)) {
      return new Broken(Refusal.LENGTH_REQUIRED, "header content-length: missing");
    }
    if (head.contentLength() > limits.bodyBytes()) {
      return new Broken(
          Refusal.BODY_TOO_LARGE,
          bodyTooLarge(head.contentLength() + " bytes", limits.bodyBytes()));
    }
    String expect = headers.get(HttpHeaderNames.EXPECT);
    if (expect != null && !HttpHeaderValues.CONTINUE.contentEqualsIgnoreCase(expect)) {
      return new Broken(
          Refusal.EXPECTATION_FAILED, "header expect (expected: 100-continue or nothing)");
    }
    return null;
  }

  static String bodyTooLarge(String size, long limit) {
    return "body: " + size + " (expected: at most " + limit + " bytes)";
  }

  /** What a failure of the decoder means. */
  static Broken ofDecoder(Throwable cause) {
    if (cause instanceof TooLongHttpLineException) {
      return new Broken(Refusal.URI_TOO_LONG, "request line: too long");
    }
    if (cause instanceof TooLongHttpHeaderException) {
      return new Broken(Refusal.HEADERS_TOO_LARGE, "header lines: too long");
    }
    return new Broken(Refusal.MALFORMED, "request: not HTTP/1.1");
  }

  /**
   * The instant at which the client stops waiting.
   *
   * @param defaultNanos for a client that does not say; 0 for never
   * @throws IllegalArgumentException when the client says something else than milliseconds
   */
  static long deadline(RequestHead head, long receivedNanos, long defaultNanos) {
    String given = head.headers().get(HttpExchange.TIMEOUT_HEADER);
    if (given == null) {
      return defaultNanos == 0 ? Long.MAX_VALUE : receivedNanos + defaultNanos;
    }
    long millis;
    try {
      millis = Long.parseLong(given.strip());
    } catch (NumberFormatException e) {
      millis = -1;
    }
    if (millis < 1 || millis > MAX_TIMEOUT_MILLIS) {
      throw new IllegalArgumentException(
          "header "
              + HttpExchange.TIMEOUT_HEADER
              + ": (expected: milliseconds from 1 to "
              + MAX_TIMEOUT_MILLIS
              + ")");
    }
    return receivedNanos + TimeUnit.MILLISECONDS.toNanos(millis);
  }

  private static @Nullable Broken checkCoding(HttpHeaders headers) {
    for (String value : headers.getAll(HttpHeaderNames.TRANSFER_ENCODING)) {
      if (!HttpHeaderValues.CHUNKED.contentEqualsIgnoreCase(value.strip())) {
        return new Broken(
            Refusal.UNSUPPORTED_CODING, "header transfer-encoding (expected: chunked)");
      }
    }
    return null;
  }
}
