package dev.nereid.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * When requests began, and what they were: lines of {@code seconds[,variant[,class]]}, any order,
 * with or without a heading; a {@code #} begins a comment.
 */
record Trace(List<Entry> entries) {
  /**
   * One request.
   *
   * @param nanos after the first
   * @param variant which of the distinct requests; negative for any
   * @param share which class of priority and deadline; negative for any
   */
  record Entry(long nanos, int variant, int share) {}

  Trace {
    if (entries.isEmpty()) {
      throw new IllegalArgumentException("trace: 0 requests (expected: at least one)");
    }
    entries = entries.stream().sorted(Comparator.comparingLong(Entry::nanos)).toList();
    long first = entries.getFirst().nanos;
    if (first != 0) {
      entries = entries.stream().map(e -> new Entry(e.nanos - first, e.variant, e.share)).toList();
    }
  }

  static Trace read(Path file) {
    List<Entry> entries = new ArrayList<>();
    int number = 0;
    try {
      for (String line : Files.readAllLines(file)) {
        number++;
        String text = line.replaceFirst("#.*", "").strip();
        boolean heading = number == 1 && !text.isEmpty() && Character.isLetter(text.charAt(0));
        if (!text.isEmpty() && !heading) {
          entries.add(entry(text.split(",", -1)));
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException("trace: " + file, e);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "trace: " + file + " line " + number + " (expected: seconds[,variant[,class]])", e);
    }
    return new Trace(entries);
  }

  private static Entry entry(String[] fields) {
    return new Entry(
        Math.round(1e9 * Double.parseDouble(fields[0].strip())),
        whole(fields, 1),
        whole(fields, 2));
  }

  private static int whole(String[] fields, int at) {
    return fields.length > at && !fields[at].isBlank() ? Integer.parseInt(fields[at].strip()) : -1;
  }

  int size() {
    return entries.size();
  }

  double seconds() {
    return entries.getLast().nanos / 1e9;
  }

  double meanRate() {
    return entries.size() / Math.max(1e-3, seconds());
  }
}
