package dev.nereid.gateway;

import java.nio.file.Path;

/**
 * Which pictures of clients are written down, and where.
 *
 * @param directory made if it is not there, readable by the program's user alone
 * @param rate of the requests, 0 to 1
 * @param maxBytes that the folder's samples may have together; the oldest go first
 */
public record PayloadSampleOptions(Path directory, double rate, long maxBytes) {
  /** One request in a hundred. */
  public static final double RATE = 0.01;

  /** A gibibyte. */
  public static final long MAX_BYTES = 1L << 30;

  public PayloadSampleOptions {
    if (!(rate >= 0 && rate <= 1)) {
      throw new IllegalArgumentException("sample-payloads-rate: " + rate + " (expected: 0 to 1)");
    }
    if (maxBytes < 1) {
      throw new IllegalArgumentException(
          "sample-payloads-max-bytes: " + maxBytes + " (expected: >= 1)");
    }
  }
}
