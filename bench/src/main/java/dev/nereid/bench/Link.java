package dev.nereid.bench;

import java.time.Duration;
import java.util.Locale;

/**
 * What lies between client and server.
 *
 * @param bytesPerSecond in each direction; 0 for no limit
 * @param delay of each direction; a round trip takes twice as long
 */
record Link(String name, double bytesPerSecond, Duration delay) {
  /** Nothing between. */
  static final Link LOOPBACK = new Link("loopback", 0, Duration.ZERO);

  Link {
    if (bytesPerSecond < 0) {
      throw new IllegalArgumentException(
          "bytes per second: " + bytesPerSecond + " (expected: >= 0)");
    }
    if (delay.isNegative()) {
      throw new IllegalArgumentException("delay: " + delay + " (expected: not negative)");
    }
  }

  /** Reads {@code NAME=RATE/DELAY} such as {@code wan=6MB/20ms}, or {@code loopback}. */
  static Link parse(String text) {
    if (text.strip().equals(LOOPBACK.name)) {
      return LOOPBACK;
    }
    int equals = text.indexOf('=');
    int slash = text.indexOf('/', equals);
    try {
      String rate = text.substring(equals + 1, slash).strip().toUpperCase(Locale.ROOT);
      double unit = rate.endsWith("MB") ? 1e6 : rate.endsWith("KB") ? 1e3 : 1;
      return new Link(
          text.substring(0, equals).strip(),
          unit * Double.parseDouble(rate.replaceFirst("[KM]?B?$", "")),
          Times.parse(text.substring(slash + 1)));
    } catch (IndexOutOfBoundsException | NumberFormatException e) {
      throw new IllegalArgumentException(
          "link: '" + text + "' (expected: loopback or NAME=RATE/DELAY, such as wan=6MB/20ms)", e);
    }
  }

  boolean isLoopback() {
    return bytesPerSecond == 0 && delay.isZero();
  }

  String described() {
    return isLoopback()
        ? "loopback"
        : String.format(
            Locale.ROOT,
            "%s (%.1f MB/s each way, %d ms round trip)",
            name,
            bytesPerSecond / 1e6,
            2 * delay.toMillis());
  }
}
