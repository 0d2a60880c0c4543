package dev.nereid.repository;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
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

  /** A number made of path, size and time of every file below a directory, links followed. */
  static long fingerprint(Path directory) throws IOException {
    TreeMap<String, BasicFileAttributes> files = new TreeMap<>();
    try (Stream<Path> tree =
        Files.find(
            directory,
            MAX_DEPTH,
            (path, attributes) -> {
              files.put(directory.relativize(path).toString(), attributes);
              return false;
            },
            FileVisitOption.FOLLOW_LINKS)) {
      tree.forEach(_ -> {});
    } catch (java.io.UncheckedIOException e) {
      throw e.getCause();
    }
    long hash = FNV_OFFSET;
    for (var file : files.entrySet()) {
      for (byte b : file.getKey().getBytes(StandardCharsets.UTF_8)) {
        hash = mix(hash, b);
      }
      BasicFileAttributes attributes = file.getValue();
      hash = mix(hash, attributes.isDirectory() ? -1 : attributes.size());
      hash = mix(hash, attributes.isDirectory() ? 0 : attributes.lastModifiedTime().toMillis());
    }
    return hash;
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
