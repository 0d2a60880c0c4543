package dev.nereid.app;

import dev.nereid.http.AccessLogWriter.Format;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options on the log of answered requests. */
final class AccessFlags {
  @Option(
      names = "--access-log",
      paramLabel = "off|text|json",
      description = "A line for each HTTP request and gRPC inference (${DEFAULT-VALUE}).")
  private String format = "text";

  @Option(
      names = "--access-log-file",
      paramLabel = "FILE",
      description = "Where those lines go (default: standard output).")
  private @Nullable Path file;

  @Option(
      names = "--slow-request-ms",
      paramLabel = "MILLIS",
      description = "Requests that took longer are told in the log; 0 for none (${DEFAULT-VALUE}).")
  private int slowMillis = 100;

  ServeOptions.Access options() {
    Format chosen =
        switch (format.toLowerCase(Locale.ROOT)) {
          case "off" -> Format.OFF;
          case "text" -> Format.TEXT;
          case "json" -> Format.JSON;
          default -> throw new Mishap("--access-log: " + format + " (expected: off, text or json)");
        };
    return new ServeOptions.Access(chosen, file, Duration.ofMillis(slowMillis));
  }
}
