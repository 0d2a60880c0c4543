package dev.nereid.config;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Collects what is wrong with a configuration, each as field, value and expectation. */
final class Problems {
  private final List<String> list = new ArrayList<>();

  void add(String field, Object value, String expected) {
    list.add(field + ": " + value + " (expected: " + expected + ")");
  }

  /** Records the problem unless the field is as it should be. */
  void unless(boolean right, String field, Object value, String expected) {
    if (!right) {
      add(field, value, expected);
    }
  }

  /** Records every name that occurs again. */
  void twice(String field, Collection<String> names) {
    Set<String> seen = new HashSet<>();
    for (String name : names) {
      if (!seen.add(name)) {
        add(field, "'" + name + "' twice", "each name once");
      }
    }
  }

  List<String> list() {
    return List.copyOf(list);
  }

  /** How messages call an element of a list: by name if it has one, else by position. */
  static String element(String list, int index, String name) {
    return name.isEmpty() ? list + "[" + index + "]" : list + " '" + name + "'";
  }
}
