package dev.nereid.app;

import java.util.Collection;
import java.util.Comparator;
import java.util.List;

/** Finds the names somebody may have meant. */
final class NearestName {
  /** So much of a name's beginning is enough to know it. */
  private static final int SHORTEST = 3;

  private NearestName() {}

  /** The known names that begin as typed or are a few keystrokes away, the nearest first. */
  static List<String> among(Collection<String> known, String typed) {
    int atMost = Math.max(1, typed.length() / 3);
    return known.stream()
        .filter(name -> isBeginning(typed, name) || distance(name, typed) <= atMost)
        .sorted(
            Comparator.<String>comparingInt(name -> distance(name, typed))
                .thenComparing(Comparator.naturalOrder()))
        .toList();
  }

  private static boolean isBeginning(String typed, String name) {
    return typed.length() >= SHORTEST && name.startsWith(typed);
  }

  /** How many letters must be put in, taken out or replaced to turn one into the other. */
  private static int distance(String a, String b) {
    int[] above = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      above[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = above[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, 1 + Math.min(above[j], row[j - 1]));
      }
      above = row;
    }
    return above[b.length()];
  }
}
