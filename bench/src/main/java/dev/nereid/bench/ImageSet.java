package dev.nereid.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/** Encoded pictures from a folder. */
final class ImageSet {
  private static final List<String> SUFFIXES =
      List.of(".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff");
  private static final String UNREADABLE = "unreadable";

  private ImageSet() {}

  /** Which of the pictures callers send. */
  enum Mode {
    /** All callers send one and the same. */
    IDENTICAL,
    /** Pictures of the size that most have. */
    SAME_SIZE,
    /** All. */
    MIXED
  }

  /**
   * Reads the pictures below a folder, in an order that the seed decides.
   *
   * @param limit at most so many
   */
  static List<byte[]> load(Path folder, Mode mode, int limit, long seed) {
    List<Path> files = list(folder);
    if (files.isEmpty()) {
      throw new IllegalArgumentException(
          "images: " + folder + " (expected: a folder with pictures " + SUFFIXES + ")");
    }
    List<Path> shuffled = new ArrayList<>();
    for (int index : Order.shuffle(files.size(), new SplittableRandom(seed))) {
      shuffled.add(files.get(index));
    }
    List<Path> chosen =
        switch (mode) {
          case IDENTICAL -> shuffled.subList(0, 1);
          case SAME_SIZE -> commonestSize(shuffled);
          case MIXED -> shuffled;
        };
    return chosen.stream().limit(limit).map(ImageSet::read).toList();
  }

  private static List<Path> list(Path folder) {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(
              file ->
                  SUFFIXES.stream().anyMatch(file.toString().toLowerCase(Locale.ROOT)::endsWith))
          .sorted()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException("images: " + folder, e);
    }
  }

  private static List<Path> commonestSize(List<Path> files) {
    Map<String, List<Path>> bySize = new LinkedHashMap<>();
    for (Path file : files) {
      bySize.computeIfAbsent(size(file), _ -> new ArrayList<>()).add(file);
    }
    bySize.remove(UNREADABLE);
    return bySize.values().stream()
        .max((a, b) -> Integer.compare(a.size(), b.size()))
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "images: " + files.size() + " files (expected: one with a readable size)"));
  }

  private static String size(Path file) {
    try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
      var readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        return UNREADABLE;
      }
      ImageReader reader = readers.next();
      try {
        reader.setInput(in, true, true);
        return reader.getWidth(0) + "x" + reader.getHeight(0);
      } finally {
        reader.dispose();
      }
    } catch (IOException e) {
      return UNREADABLE;
    }
  }

  private static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException("images: " + file, e);
    }
  }
}
