package dev.nereid.app;

import dev.nereid.gateway.PayloadSampleOptions;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options on the pictures of clients that the image gateway writes down. */
final class PayloadFlags {
  @Option(
      names = "--sample-payloads",
      paramLabel = "DIR",
      description = {
        "Writes a share of the pictures that clients send, with the answers, to that folder: what",
        "they show is then on this disk (default: none)."
      })
  private @Nullable Path directory;

  @Option(
      names = "--sample-payloads-rate",
      paramLabel = "SHARE",
      description = "Of the requests, 0 to 1 (${DEFAULT-VALUE}).")
  private double rate = PayloadSampleOptions.RATE;

  @Option(
      names = "--sample-payloads-max-bytes",
      paramLabel = "BYTES",
      description = "Of all samples in the folder; the oldest are removed (${DEFAULT-VALUE}).")
  private long maxBytes = PayloadSampleOptions.MAX_BYTES;

  @Nullable PayloadSampleOptions options() {
    return directory == null ? null : new PayloadSampleOptions(directory, rate, maxBytes);
  }
}
