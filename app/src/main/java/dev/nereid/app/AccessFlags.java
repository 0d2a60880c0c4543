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
      description =
          "A line for each HTTP request and gRPC inference (default: text, or as --log-format).")
  private @Nullable String format;

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

  ServeOptions.AccessLogging options(LogFormat log) {
    String usual = log == LogFormat.JSON ? "json" : "text";
    String asked = format == null ? usual : format;
    Format chosen =
        switch (asked.toLowerCase(Locale.ROOT)) {
          case "off" -> Format.OFF;
          case "text" -> Format.TEXT;
          case "json" -> Format.JSON;
          default -> throw new Mishap("--access-log: " + asked + " (expected: off, text or json)");
        };
    return new ServeOptions.AccessLogging(chosen, file, Duration.ofMillis(slowMillis));
  }
}
