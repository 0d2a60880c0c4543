package dev.nereid.repository;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Models in one or several local directories: {@code ROOT/MODEL/config.pbtxt} and {@code
 * ROOT/MODEL/VERSION/FILE}. Holds no state but the places; every call looks at the disk anew and
 * may block. Thread-safe.
 */
public final class ModelRepository {
  private static final String CONFIG_FILE = "config.pbtxt";
  private static final String CONFIGS = "configs";

  /** Directories of a model that are neither versions nor mistakes. */
  private static final Set<String> KNOWN_DIRECTORIES = Set.of("warmup", "initial_state", CONFIGS);

  private final List<Path> roots;
  private final String configName;

  /**
   * The models below these directories.
   *
   * @param roots at least one; the same directory given twice counts once
   * @param configName use {@code MODEL/configs/NAME.pbtxt} where there is one; empty for {@code
   *     config.pbtxt} everywhere
   */
  public ModelRepository(List<Path> roots, String configName) {
    if (roots.isEmpty()) {
      throw new IllegalArgumentException("roots: [] (expected: at least one directory)");
    }
    if (!configName.isEmpty()) {
      checkName(configName);
    }
    this.roots = List.copyOf(roots);
    this.configName = configName;
  }

  /** The directories looked at. */
  public List<Path> roots() {
    return roots;
  }

  /**
   * Refuses a name that no model can have, because it would lead out of the repository.
   *
   * @throws FaultException with {@link Fault#INVALID_ARGUMENT}
   */
  public static void checkName(String name) {
    boolean sound =
        !name.isBlank()
            && !name.equals(".")
            && !name.equals("..")
            && name.chars().noneMatch(c -> c == '/' || c == '\\' || Character.isISOControl(c));
    if (!sound) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "invalid model name '%s' (expected: not empty, not '..', without '/')"
              .formatted(name.replaceAll("\\p{Cntrl}", "?")));
    }
  }

  /**
   * Looks at everything.
   *
   * @throws FaultException with {@link Fault#INVALID_ARGUMENT} when a root cannot be read
   */
  public RepositorySnapshot scan() {
    List<String> warnings = new ArrayList<>();
    SortedMap<String, List<Path>> places = new TreeMap<>();
    List<RepositorySnapshot.Root> seen = new ArrayList<>();
    for (Path root : distinctRoots()) {
      String identity = identity(root);
      List<Path> directories = modelDirectories(root, warnings);
      for (Path directory : directories) {
        places.computeIfAbsent(Reading.name(directory), _ -> new ArrayList<>()).add(directory);
      }
      seen.add(new RepositorySnapshot.Root(root, identity, directories.isEmpty()));
    }
    SortedMap<String, ModelEntry> models = new TreeMap<>();
    places.forEach((name, directories) -> models.put(name, entry(name, directories, warnings)));
    return new RepositorySnapshot(models, seen, warnings);
  }

  /**
   * The names of the models, without a look into them.
   *
   * @throws FaultException with {@link Fault#INVALID_ARGUMENT} when a root cannot be read
   */
  public SortedSet<String> names() {
    SortedSet<String> names = new TreeSet<>();
    for (Path root : distinctRoots()) {
      modelDirectories(root, new ArrayList<>()).forEach(path -> names.add(Reading.name(path)));
    }
    return names;
  }

  /** A model that lies anywhere, outside the repositories too. */
  public ModelEntry at(String name, Path directory) {
    checkName(name);
    return entry(name, List.of(directory), new ArrayList<>());
  }

  private static String identity(Path root) {
    try {
      return root.toRealPath()
          + " "
          + Files.readAttributes(root, BasicFileAttributes.class).fileKey();
    } catch (IOException e) {
      throw unreadable(root, e);
    }
  }

  /**
   * Looks at one model; null when no root has it.
   *
   * @throws FaultException with {@link Fault#INVALID_ARGUMENT} when no model can have that name
   */
  public @Nullable ModelEntry find(String name) {
    checkName(name);
    if (name.startsWith(".")) {
      return null;
    }
    List<Path> directories =
        distinctRoots().stream()
            .map(root -> root.resolve(name))
            .filter(Files::isDirectory)
            .toList();
    return directories.isEmpty() ? null : entry(name, directories, new ArrayList<>());
  }

  private List<Path> distinctRoots() {
    Map<Path, Path> byRealPath = new LinkedHashMap<>();
    for (Path root : roots) {
      try {
        Path real = root.toRealPath();
        if (!Files.isDirectory(real)) {
          throw new NotDirectoryException(root.toString());
        }
        byRealPath.putIfAbsent(real, root);
      } catch (IOException e) {
        throw unreadable(root, e);
      }
    }
    return List.copyOf(byRealPath.values());
  }

  private static FaultException unreadable(Path root, IOException e) {
    return new FaultException(
        Fault.INVALID_ARGUMENT.with(
            "model repository %s: %s (expected: a directory that can be read)"
                .formatted(root, Reading.reason(e))),
        e);
  }

  private static List<Path> modelDirectories(Path root, List<String> warnings) {
    List<Path> directories = new ArrayList<>();
    try (Stream<Path> list = Files.list(root)) {
      for (Path path : list.sorted().toList()) {
        if (!Files.isDirectory(path)) {
          continue;
        }
        if (Reading.name(path).startsWith(".")) {
          warnings.add("ignored hidden directory " + path);
        } else {
          directories.add(path);
        }
      }
      return directories;
    } catch (IOException e) {
      throw unreadable(root, e);
    }
  }

  private ModelEntry entry(String name, List<Path> directories, List<String> warnings) {
    Path directory = directories.getFirst();
    if (directories.size() > 1) {
      String problem =
          "model '%s' is in more than one repository and therefore loaded from none: %s"
              .formatted(name, directories);
      return new ModelEntry(
          name, directory, null, new TreeSet<>(), Fingerprint.NONE, null, problem);
    }
    try {
      return new ModelEntry(
          name,
          directory,
          configFile(directory),
          versions(directory, warnings),
          Reading.fingerprint(directory),
          null,
          null);
    } catch (IOException e) {
      String problem = "model directory " + directory + ": " + Reading.reason(e);
      return new ModelEntry(
          name, directory, null, new TreeSet<>(), Fingerprint.NONE, null, problem);
    }
  }

  private @Nullable Path configFile(Path directory) {
    Path named = directory.resolve(CONFIGS).resolve(configName + ".pbtxt");
    if (!configName.isEmpty() && Files.isRegularFile(named)) {
      return named;
    }
    Path usual = directory.resolve(CONFIG_FILE);
    return Files.isRegularFile(usual) ? usual : null;
  }

  private static SortedSet<Long> versions(Path model, List<String> warnings) throws IOException {
    SortedSet<Long> versions = new TreeSet<>();
    try (Stream<Path> list = Files.list(model)) {
      for (Path path : list.sorted().toList()) {
        String name = Reading.name(path);
        if (!Files.isDirectory(path) || KNOWN_DIRECTORIES.contains(name)) {
          continue;
        }
        Long version = version(name);
        if (version == null) {
          warnings.add(
              "ignored directory %s (expected: a version, which is a number without leading zero)"
                  .formatted(path));
        } else {
          versions.add(version);
        }
      }
    }
    return versions;
  }

  /** Whether a name at the top of a model's directory is that of its configuration. */
  static boolean isConfig(String name) {
    return name.equals(CONFIG_FILE) || name.equals(CONFIGS);
  }

  /** The version that a directory's name means; null when it means none. */
  static @Nullable Long version(String name) {
    boolean digits =
        !name.isEmpty()
            && name.charAt(0) != '0'
            && name.chars().allMatch(digit -> digit >= '0' && digit <= '9');
    try {
      return digits ? Long.valueOf(name) : null;
    } catch (NumberFormatException _) {
      return null; // beyond 64 bits
    }
  }
}
