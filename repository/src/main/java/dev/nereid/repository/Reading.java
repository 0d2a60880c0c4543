package dev.nereid.repository;

import static java.util.concurrent.TimeUnit.NANOSECONDS;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/** How files are looked at, and what is said when that fails. */
final class Reading {
  /** Directories deeper than this below a model are not looked at. */
  private static final int MAX_DEPTH = 32;

  private static final long FNV_OFFSET = 0xcbf29ce484222325L;
  private static final long FNV_PRIME = 0x100000001b3L;

  private Reading() {}

  /** The last name of a path. */
  static String name(Path path) {
    return String.valueOf(path.getFileName());
  }

  /** Why something could not be read, in words. */
  static String reason(IOException e) {
    return switch (e) {
      case NoSuchFileException _ -> "does not exist";
      case AccessDeniedException _ -> "access denied";
      case NotDirectoryException _ -> "is not a directory";
      case FileSystemLoopException _ -> "a link leads back to a directory above it";
      default -> String.valueOf(e.getMessage());
    };
  }

  /** What every file below a model's directory looks like, links followed. */
  static Fingerprint fingerprint(Path directory) throws IOException {
    TreeMap<Path, BasicFileAttributes> files = new TreeMap<>();
    try (Stream<Path> tree =
        Files.find(
            directory,
            MAX_DEPTH,
            (path, attributes) -> {
              files.put(directory.relativize(path), attributes);
              return false;
            },
            FileVisitOption.FOLLOW_LINKS)) {
      tree.forEach(_ -> {});
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
    long config = FNV_OFFSET;
    long shared = FNV_OFFSET;
    SortedMap<Long, Long> versions = new TreeMap<>();
    for (var file : files.entrySet()) {
      String top = file.getKey().getName(0).toString();
      Long version = ModelRepository.version(top);
      if (version != null) {
        versions.merge(version, mix(FNV_OFFSET, file), (known, _) -> mix(known, file));
      } else if (ModelRepository.isConfig(top)) {
        config = mix(config, file);
      } else {
        shared = mix(shared, file);
      }
    }
    return new Fingerprint(config, shared, versions);
  }

  /** Takes in a path, and size and time of what lies there; of a directory just the path. */
  private static long mix(long hash, Map.Entry<Path, BasicFileAttributes> file) {
    long mixed = hash;
    for (byte b : file.getKey().toString().getBytes(StandardCharsets.UTF_8)) {
      mixed = mix(mixed, b);
    }
    BasicFileAttributes attributes = file.getValue();
    if (attributes.isDirectory()) {
      return mix(mixed, -1);
    }
    return mix(mix(mixed, attributes.size()), attributes.lastModifiedTime().to(NANOSECONDS));
  }

  /** Takes in eight bytes, one after another. */
  private static long mix(long hash, long value) {
    long mixed = hash;
    for (int shift = 0; shift < Long.SIZE; shift += Byte.SIZE) {
      mixed = (mixed ^ (value >>> shift & 0xff)) * FNV_PRIME;
    }
    return mixed;
  }
}
