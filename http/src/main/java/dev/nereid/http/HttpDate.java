package dev.nereid.http;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** The {@code date} header line, made once a second. Thread-safe. */
final class HttpDate {
  private static final DateTimeFormatter FORMAT =
      DateTimeFormatter.ofPattern("EEE, dd MMM yyyy HH:mm:ss 'GMT'", Locale.ENGLISH)
          .withZone(ZoneOffset.UTC);

  private static volatile HttpDate current = new HttpDate(0);

  private final long second;
  private final byte[] line;

  private HttpDate(long second) {
    this.second = second;
    this.line =
        ("date: " + FORMAT.format(Instant.ofEpochSecond(second)) + "\r\n")
            .getBytes(StandardCharsets.US_ASCII);
  }

  /** The line for now, with its line end. */
  static byte[] line() {
    long second = System.currentTimeMillis() / 1000;
    HttpDate known = current;
    if (known.second != second) {
      known = new HttpDate(second);
      current = known;
    }
    return known.line;
  }
}
