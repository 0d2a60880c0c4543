package dev.nereid.repository;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What the repositories held at one moment. Immutable.
 *
 * @param models by name
 * @param roots the directories looked at
 * @param warnings what was passed over, and why; for the log
 */
public record RepositorySnapshot(
    SortedMap<String, ModelEntry> models, List<Root> roots, List<String> warnings) {
  /** Nothing there. */
  public static final RepositorySnapshot EMPTY =
      new RepositorySnapshot(new TreeMap<>(), List.of(), List.of());

  /**
   * A directory of models.
   *
   * @param identity which directory it really is: its place and its number in the file system
   * @param empty whether it holds no model
   */
  public record Root(Path path, String identity, boolean empty) {}

  /** Copies them. */
  public RepositorySnapshot {
    models = Collections.unmodifiableSortedMap(new TreeMap<>(models));
    roots = List.copyOf(roots);
    warnings = List.copyOf(warnings);
  }

  /** The model of that name, or null. */
  public @Nullable ModelEntry model(String name) {
    return models.get(name);
  }

  /**
   * The directories that held models, hold none now, and are not the same ones any more: what is
   * left where a file system was mounted and is gone.
   */
  public static List<Path> vanished(RepositorySnapshot before, RepositorySnapshot after) {
    return after.roots.stream()
        .filter(
            root ->
                root.empty
                    && before.roots.stream()
                        .anyMatch(
                            old ->
                                old.path.equals(root.path)
                                    && !old.empty
                                    && !old.identity.equals(root.identity)))
        .map(Root::path)
        .toList();
  }

  /** Whether a model looked the same at both moments; one that was not there at either, too. */
  public static boolean isSettled(
      RepositorySnapshot before, RepositorySnapshot after, String model) {
    return Objects.equals(before.models.get(model), after.models.get(model));
  }
}
