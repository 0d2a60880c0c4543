package dev.nereid.http;

/** Why a listener answered a request itself instead of handing it on. */
public enum Refusal {
  /** Not HTTP/1.1, or against its rules. */
  MALFORMED(400),
  /** Who calls is not known. */
  UNAUTHENTICATED(401),
  /** Who calls may not do that. */
  FORBIDDEN(403),
  /** The request did not arrive in time. */
  SLOW(408),
  /** The method carries a body whose length cannot be known. */
  LENGTH_REQUIRED(411),
  /** The body passes the limit, by what it declares or by what came. */
  BODY_TOO_LARGE(413),
  /** The request line passes the limit. */
  URI_TOO_LONG(414),
  /** An expectation other than {@code 100-continue}. */
  EXPECTATION_FAILED(417),
  /** More than this caller may ask. */
  CALLER_LIMIT(429),
  /** The header lines pass the limit. */
  HEADERS_TOO_LARGE(431),
  /** A handler threw. */
  HANDLER_FAILED(500),
  /** A transfer coding other than {@code chunked}. */
  UNSUPPORTED_CODING(501),
  /** As many requests in flight as are allowed. */
  TOO_MANY_REQUESTS(503),
  /** As many bytes in flight as are allowed. */
  TOO_MANY_BYTES(503),
  /** No off-heap memory for the body. */
  NO_MEMORY(503),
  /** Who calls cannot be told now. */
  CANNOT_TELL(503),
  /** As many connections as are allowed. */
  TOO_MANY_CONNECTIONS(503);

  private final int status;

  Refusal(int status) {
    this.status = status;
  }

  /** The usual status; a protocol may choose another for the three kinds of overload. */
  public int status() {
    return status;
  }

  /** Whether the client did nothing wrong and may try again later. */
  public boolean isOverload() {
    return status == 503;
  }
}
