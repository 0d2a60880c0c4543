package dev.nereid.protocol;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;

/**
 * What is known of an inference before its body is read.
 *
 * @param model from the path; empty where the body says it
 * @param version from the path, or -1 for the one that the model's policy chooses
 * @param receivedNanos when its first byte was read, on the {@link dev.nereid.core.Ticker}'s line
 * @param deadlineNanos when the caller stops waiting; {@link Long#MAX_VALUE} for never
 */
public record Arrival(String model, long version, long receivedNanos, long deadlineNanos) {

  /**
   * The version that a text means; -1 for the empty text.
   *
   * @throws FaultException when it is not a whole number above 0
   */
  public static long version(String text) {
    if (text.isEmpty()) {
      return -1;
    }
    long version = 0;
    boolean valid = text.length() <= 18;
    for (int i = 0; valid && i < text.length(); i++) {
      int digit = text.charAt(i) - '0';
      valid = digit >= 0 && digit <= 9;
      version = version * 10 + digit;
    }
    if (!valid || version == 0) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "failed to get model version from specified version string '"
              + text
              + "' (expected: an integral value > 0)");
    }
    return version;
  }
}
