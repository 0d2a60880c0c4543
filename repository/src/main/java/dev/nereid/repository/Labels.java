package dev.nereid.repository;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The names of an output's classes, one to a line of a file. Immutable. */
public final class Labels {
  /** A file of labels above this size, in bytes, is not one. */
  static final long MAX_BYTES = 64L << 20;

  private final List<String> lines;

  private Labels(List<String> lines) {
    this.lines = List.copyOf(lines);
  }

  /** Labels in the order of their classes. */
  public static Labels of(List<String> labels) {
    return new Labels(labels);
  }

  /**
   * Reads a file of labels.
   *
   * @param filename relative to the model's directory, and inside it
   * @throws FaultException with {@link Fault#INVALID_ARGUMENT} when it lies outside or cannot be
   *     read
   */
  public static Labels read(Path modelDirectory, String filename) {
    Path base = modelDirectory.normalize();
    Path file = base.resolve(filename).normalize();
    if (filename.isEmpty() || !file.startsWith(base) || file.equals(base)) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "label_filename: '%s' (expected: a file inside the model's directory)"
              .formatted(filename));
    }
    try {
      long bytes = Files.size(file);
      if (bytes > MAX_BYTES) {
        throw FaultException.of(
            Fault.TOO_LARGE,
            "label file %s: %d bytes (expected: at most %d)".formatted(file, bytes, MAX_BYTES));
      }
      return new Labels(Files.readAllLines(file));
    } catch (CharacterCodingException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with("label file " + file + ": bytes that are not UTF-8"), e);
    } catch (IOException e) {
      throw new FaultException(
          Fault.INVALID_ARGUMENT.with("label file " + file + ": " + Reading.reason(e)), e);
    }
  }

  /** The label of a class; null when its line is missing or empty. */
  public @Nullable String label(int index) {
    if (index < 0 || index >= lines.size() || lines.get(index).isEmpty()) {
      return null;
    }
    return lines.get(index);
  }

  /** How many lines there are. */
  public int size() {
    return lines.size();
  }

  /** Every line, in order. */
  public List<String> lines() {
    return lines;
  }
}
