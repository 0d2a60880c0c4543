package dev.nereid.engine;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model directory made of the files that came with a load. It lies there as long as a version
 * made of it is served. Thread-safe.
 */
final class OverrideDirectory implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(OverrideDirectory.class);
  private static final String PREFIX = "nereid-override-";

  private final Path path;
  private int users = 1; // guarded by this

  private OverrideDirectory(Path path) {
    this.path = path;
  }

  /**
   * Writes the files.
   *
   * @param scratch where the directory is made; null for the system's place for such
   * @throws FaultException when a path leads out of it, or it cannot be written; nothing is left
   *     then
   */
  static OverrideDirectory write(@Nullable Path scratch, Map<String, ByteBuffer> files) {
    OverrideDirectory made;
    try {
      made =
          new OverrideDirectory(
              scratch == null
                  ? Files.createTempDirectory(PREFIX)
                  : Files.createTempDirectory(scratch, PREFIX));
    } catch (IOException e) {
      throw unwritten(e);
    }
    try {
      for (var file : files.entrySet()) {
        made.write(made.inside(file.getKey()), file.getValue());
      }
      return made;
    } catch (IOException e) {
      made.close();
      throw unwritten(e);
    } catch (RuntimeException e) {
      made.close();
      throw e;
    }
  }

  private static FaultException unwritten(IOException e) {
    String reason = e.getMessage();
    if (e instanceof FileSystemException file && file.getReason() != null) {
      reason = file.getReason();
    }
    return new FaultException(
        Fault.INTERNAL.with("failed to write the model override to disk: " + reason), e);
  }

  private Path inside(String name) {
    try {
      Path file = path.resolve(name).normalize();
      if (file.startsWith(path) && !file.equals(path) && !Path.of(name).isAbsolute()) {
        return file;
      }
    } catch (InvalidPathException _) {
      // told below, like every other name that is none
    }
    throw FaultException.of(
        Fault.INVALID_ARGUMENT,
        "invalid path in model file override: 'file:%s' (expected: VERSION/FILE, inside the model's directory)"
            .formatted(name.replaceAll("\\p{Cntrl}", "?")));
  }

  private void write(Path file, ByteBuffer content) throws IOException {
    Path parent = file.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    try (WritableByteChannel channel =
        Files.newByteChannel(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      ByteBuffer left = content.duplicate();
      while (left.hasRemaining()) {
        channel.write(left);
      }
    }
  }

  Path path() {
    return path;
  }

  /** One more user, who closes it too. */
  synchronized OverrideDirectory share() {
    users++;
    return this;
  }

  /** Deletes the directory when the last user closes it. */
  @Override
  public synchronized void close() {
    users--;
    if (users > 0) {
      return;
    }
    try (Stream<Path> tree = Files.walk(path)) {
      List<Path> deepestFirst = tree.sorted(Comparator.reverseOrder()).toList();
      for (Path each : deepestFirst) {
        Files.deleteIfExists(each);
      }
    } catch (IOException e) {
      LOG.warn("could not delete {}", path, e);
    }
  }
}
