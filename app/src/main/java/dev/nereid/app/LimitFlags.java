package dev.nereid.app;

import picocli.CommandLine.Option;

/** Options on how much is taken on at a time. */
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

  ServeOptions.Limits options() {
    return new ServeOptions.Limits(connections, inFlightRequests, inFlightBytes);
  }
}
