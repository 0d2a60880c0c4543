package dev.nereid.repository;

import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What the repositories held at one moment. Immutable.
 *
 * @param models by name
 * @param warnings what was passed over, and why; for the log
 */
public record RepositorySnapshot(SortedMap<String, ModelEntry> models, List<String> warnings) {
  /** Nothing there. */
  public static final RepositorySnapshot EMPTY = new RepositorySnapshot(new TreeMap<>(), List.of());

  /** Copies both. */
  public RepositorySnapshot {
    models = Collections.unmodifiableSortedMap(new TreeMap<>(models));
    warnings = List.copyOf(warnings);
  }

  /**
   * Which models differ between two moments.
   *
   * @param changed there before and after, with other files, another place or another problem
   */
  public record Differences(
      SortedSet<String> added, SortedSet<String> removed, SortedSet<String> changed) {
    /** Whether nothing differs. */
    public boolean isEmpty() {
      return added.isEmpty() && removed.isEmpty() && changed.isEmpty();
    }
  }

  /** The model of that name, or null. */
  public @Nullable ModelEntry model(String name) {
    return models.get(name);
  }

  /** What came, went and changed from one moment to a later one. */
  public static Differences differences(RepositorySnapshot before, RepositorySnapshot after) {
    SortedSet<String> added = new TreeSet<>(after.models.keySet());
    added.removeAll(before.models.keySet());
    SortedSet<String> removed = new TreeSet<>(before.models.keySet());
    removed.removeAll(after.models.keySet());
    SortedSet<String> changed = new TreeSet<>(after.models.keySet());
    changed.removeIf(
        name -> {
          ModelEntry old = before.models.get(name);
          return old == null || old.equals(after.models.get(name));
        });
    return new Differences(
        Collections.unmodifiableSortedSet(added),
        Collections.unmodifiableSortedSet(removed),
        Collections.unmodifiableSortedSet(changed));
  }
}
