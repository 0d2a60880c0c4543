package dev.nereid.http;

import io.netty.handler.codec.http.EmptyHttpHeaders;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaderValues;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpVersion;
import org.jspecify.annotations.Nullable;

/**
 * What precedes a body.
 *
 * @param path as the client wrote it, still percent-encoded, without the query
 * @param rawQuery without the question mark; empty when there is none
 * @param contentLength -1 when it is not declared
 */
record RequestHead(
    String method,
    String path,
    String rawQuery,
    HttpHeaders headers,
    boolean keepAlive,
    boolean oldVersion,
    long contentLength,
    boolean chunked) {
  /** Stands for a request whose head never came whole. */
  static final RequestHead UNREAD =
      new RequestHead("-", "-", "", EmptyHttpHeaders.INSTANCE, false, false, -1, false);

  static RequestHead of(HttpRequest request) {
    String target = request.uri();
    int start = pathStart(target);
    int mark = target.indexOf('?', start);
    int end = mark < 0 ? target.length() : mark;
    String path = start == end ? "/" : target.substring(start, end);
    boolean oldVersion = request.protocolVersion().compareTo(HttpVersion.HTTP_1_1) < 0;
    HttpHeaders headers = request.headers();
    return new RequestHead(
        request.method().name(),
        path,
        mark < 0 ? "" : target.substring(mark + 1),
        headers,
        keepsAlive(headers, oldVersion),
        oldVersion,
        length(headers.get(HttpHeaderNames.CONTENT_LENGTH)),
        headers.contains(HttpHeaderNames.TRANSFER_ENCODING));
  }

  boolean isHead() {
    return method.equals("HEAD");
  }

  /** Whether the method may carry a body that leads to work. */
  boolean mayCarryBody() {
    return switch (method) {
      case "GET", "HEAD", "OPTIONS", "TRACE" -> false;
      default -> true;
    };
  }

  boolean hasBody() {
    return chunked || contentLength > 0;
  }

  /** Where the path begins in a target that may be {@code http://host/path}. */
  private static int pathStart(String target) {
    if (target.startsWith("/")) {
      return 0;
    }
    int scheme = target.indexOf("://");
    if (scheme < 0) {
      return 0;
    }
    int slash = target.indexOf('/', scheme + 3);
    return slash < 0 ? target.length() : slash;
  }

  private static boolean keepsAlive(HttpHeaders headers, boolean oldVersion) {
    String connection = headers.get(HttpHeaderNames.CONNECTION);
    if (connection == null) {
      return !oldVersion;
    }
    if (headers.containsValue(HttpHeaderNames.CONNECTION, HttpHeaderValues.CLOSE, true)) {
      return false;
    }
    return !oldVersion
        || headers.containsValue(HttpHeaderNames.CONNECTION, HttpHeaderValues.KEEP_ALIVE, true);
  }

  /** The decoder has checked the digits; what exceeds a long is as good as the largest. */
  private static long length(@Nullable String declared) {
    if (declared == null) {
      return -1;
    }
    try {
      return Long.parseLong(declared.strip());
    } catch (NumberFormatException e) {
      return Long.MAX_VALUE;
    }
  }
}
