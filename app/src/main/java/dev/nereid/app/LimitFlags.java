package dev.nereid.app;

import java.time.Duration;
import picocli.CommandLine.Option;

/** Options on how much is taken on at a time, and how long clients may take. */
final class LimitFlags {
  @Option(
      names = "--max-connections",
      paramLabel = "N",
      description = "Open HTTP connections of each listener (${DEFAULT-VALUE}).")
  private int connections = 1 << 16;

  @Option(
      names = "--max-in-flight-requests",
      paramLabel = "N",
      description = "Requests of each listener not answered yet (${DEFAULT-VALUE}).")
  private int inFlightRequests = 1 << 15;

  @Option(
      names = "--max-in-flight-bytes",
      paramLabel = "BYTES",
      description = "The bytes of those requests (${DEFAULT-VALUE}).")
  private long inFlightBytes = 4L << 30;

  @Option(
      names = "--max-header-bytes",
      paramLabel = "BYTES",
      description = "The header lines of an HTTP request together (${DEFAULT-VALUE}).")
  private int headerBytes = 32 << 10;

  @Option(
      names = "--max-request-line-bytes",
      paramLabel = "BYTES",
      description = "The first line of an HTTP request (${DEFAULT-VALUE}).")
  private int requestLineBytes = 8 << 10;

  @Option(
      names = "--read-timeout-ms",
      paramLabel = "MILLIS",
      description = "For an HTTP request to arrive, from its first byte (${DEFAULT-VALUE}).")
  private int readMillis = 20_000;

  @Option(
      names = "--read-bytes-per-second",
      paramLabel = "BYTES",
      description = "Every so many bytes of a body allow a second more (${DEFAULT-VALUE}).")
  private int bytesPerSecond = 64 << 10;

  @Option(
      names = "--idle-timeout-ms",
      paramLabel = "MILLIS",
      description =
          "For an HTTP connection without a request, or that takes no answer (${DEFAULT-VALUE}).")
  private int idleMillis = 75_000;

  @Option(
      names = "--request-timeout-ms",
      paramLabel = "MILLIS",
      description =
          "The deadline of a request that names none, all protocols; 0 for none (${DEFAULT-VALUE}).")
  private int requestMillis;

  ServeOptions.Limits options() {
    return new ServeOptions.Limits(
        connections, inFlightRequests, inFlightBytes, headerBytes, requestLineBytes);
  }

  ServeOptions.Timeouts timeouts() {
    return new ServeOptions.Timeouts(
        Duration.ofMillis(idleMillis),
        Duration.ofMillis(readMillis),
        bytesPerSecond,
        Duration.ofMillis(requestMillis));
  }
}
