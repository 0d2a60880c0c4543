package dev.nereid.access;

import dev.nereid.telemetry.Counter;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A file whose content is taken again when it has changed and been the same for two looks. What is
 * wrong is told once, and leaves in force what was before. Confined to the thread that looks.
 */
final class FollowedFile {
  private static final Logger LOG = LoggerFactory.getLogger(FollowedFile.class);
  private static final int LARGEST = 4 << 20;

  private final Path file;
  private final Consumer<byte[]> take;
  private final Counter taken;
  private final Counter refused;
  private byte[] inForce;
  private byte[] lastSeen;
  private String lastComplaint = "";

  /**
   * Reads the file, and hands on what it holds.
   *
   * @param take throws IllegalArgumentException for what it cannot use
   * @throws IllegalArgumentException when it cannot be read or used
   */
  FollowedFile(Path file, Consumer<byte[]> take, Metrics metrics) {
    this.file = file;
    this.take = take;
    String name = String.valueOf(file.getFileName());
    taken = metrics.counter(Meter.ACCESS_RELOADS, name, "taken");
    refused = metrics.counter(Meter.ACCESS_RELOADS, name, "refused");
    inForce = read(file);
    lastSeen = inForce;
    try {
      take.accept(inForce);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(file + ": " + e.getMessage(), e);
    }
  }

  /** Looks whether it has changed. */
  void look() {
    byte[] content;
    try {
      content = read(file);
    } catch (IllegalArgumentException e) {
      lastSeen = new byte[0];
      complain(String.valueOf(e.getMessage()));
      return;
    }
    if (Arrays.equals(content, inForce)) {
      lastSeen = content;
      lastComplaint = "";
    } else if (Arrays.equals(content, lastSeen)) {
      takeNow(content);
    } else {
      lastSeen = content;
    }
  }

  private void takeNow(byte[] content) {
    try {
      take.accept(content);
    } catch (IllegalArgumentException e) {
      complain(file + ": " + e.getMessage());
      return;
    }
    inForce = content;
    lastComplaint = "";
    taken.increment();
    LOG.info("{}: what it holds now is in force", file);
  }

  private void complain(String why) {
    if (!why.equals(lastComplaint)) {
      lastComplaint = why;
      refused.increment();
      LOG.warn("What was before stays in force: {}", why);
    }
  }

  private static byte[] read(Path file) {
    try {
      if (Files.size(file) > LARGEST) {
        throw new IllegalArgumentException(file + ": larger than " + LARGEST + " bytes");
      }
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new IllegalArgumentException(file + ": no such file", e);
    } catch (AccessDeniedException e) {
      throw new IllegalArgumentException(file + ": permission denied", e);
    } catch (IOException e) {
      throw new IllegalArgumentException(file + ": cannot be read: " + e.getMessage(), e);
    }
  }
}
