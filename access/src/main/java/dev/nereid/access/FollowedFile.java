package dev.nereid.access;

import dev.nereid.core.FollowedFiles;
import dev.nereid.telemetry.Counter;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file that is followed for change, counted and told. What is wrong is told once, and leaves in
 * force what was before. Confined to the thread that looks.
 */
final class FollowedFile {
  private static final Logger LOG = LoggerFactory.getLogger(FollowedFile.class);
  private static final int LARGEST = 4 << 20;

  private final Path file;
  private final FollowedFiles content;
  private final Counter taken;
  private final Counter refused;

  /**
   * Reads the file, and hands on what it holds.
   *
   * @param take throws IllegalArgumentException for what it cannot use
   * @throws IllegalArgumentException when it cannot be read or used
   */
  FollowedFile(Path file, Consumer<byte[]> take, Metrics metrics) {
    this.file = file;
    String name = String.valueOf(file.getFileName());
    taken = metrics.counter(Meter.ACCESS_RELOADS, name, "taken");
    refused = metrics.counter(Meter.ACCESS_RELOADS, name, "refused");
    try {
      content =
          new FollowedFiles(List.of(file), LARGEST, contents -> take(take, contents.getFirst()));
    } catch (GeneralSecurityException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  private void take(Consumer<byte[]> take, byte[] content) {
    try {
      take.accept(content);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  /** Looks whether it has changed. */
  void look() {
    var _ =
        content.look(
            () -> {
              taken.increment();
              LOG.info("{}: what it holds now is in force", file);
            },
            complaint -> {
              refused.increment();
              LOG.warn("What was before stays in force: {}", complaint);
            });
  }
}
