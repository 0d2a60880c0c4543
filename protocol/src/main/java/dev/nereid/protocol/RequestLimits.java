package dev.nereid.protocol;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;

/**
 * How much of one request is read.
 *
 * @param maxInputBytes at most in the JSON text, in a tensor given as JSON, and in a body that is a
 *     tensor
 */
public record RequestLimits(long maxInputBytes) {
  /** Triton's default for {@code --http-max-input-size}: 64 MiB. */
  public static final RequestLimits DEFAULT = new RequestLimits(64L << 20);

  public RequestLimits {
    if (maxInputBytes < 1) {
      throw new IllegalArgumentException(
          "http-max-input-size: " + maxInputBytes + " (expected: above 0)");
    }
  }

  void requireText(long bytes) {
    if (bytes > maxInputBytes) {
      throw tooLarge("request JSON size of ", bytes, maxInputBytes);
    }
  }

  void requireRawBody(long bytes) {
    if (bytes > maxInputBytes) {
      throw tooLarge("raw request body size of ", bytes, maxInputBytes);
    }
  }

  static FaultException tensorTooLarge(long bytes, long limit) {
    return tooLarge("tensor size of ", bytes, limit);
  }

  private static FaultException tooLarge(String what, long bytes, long limit) {
    return FaultException.of(
        Fault.TOO_LARGE,
        what
            + bytes
            + " bytes exceeds the maximum allowed input size of "
            + limit
            + " bytes. Use --http-max-input-size to increase the limit.");
  }
}
