package dev.nereid.engine;

import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.ModelFiles;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The back ends that can be had: in jars beside a model, for that model alone; in a directory of
 * back ends, {@code NAME/*.jar}; on the class path. The first that has the name wins. Thread-safe.
 */
final class Backends implements AutoCloseable {
  private final Map<String, BackendProvider> onClassPath;
  private final List<Path> directories;
  private final List<Path> repositories;
  private final ReentrantLock opening = new ReentrantLock();
  private final Map<Path, JarBackends> opened = new HashMap<>(); // guarded by opening

  private Backends(
      Map<String, BackendProvider> onClassPath, List<Path> directories, List<Path> repositories) {
    this.onClassPath = onClassPath;
    this.directories = directories;
    this.repositories = repositories;
  }

  /**
   * Those on the class path, and those in these directories when they are asked for.
   *
   * @param repositories whose models may bring jars; what lies elsewhere came over the network
   */
  static Backends found(List<Path> directories, List<Path> repositories) {
    Map<String, BackendProvider> byName = new TreeMap<>();
    for (BackendProvider provider : ServiceLoader.load(BackendProvider.class)) {
      byName.put(provider.name(), provider);
      provider.platforms().forEach(platform -> byName.putIfAbsent(platform, provider));
    }
    return new Backends(byName, List.copyOf(directories), List.copyOf(repositories));
  }

  /**
   * The back end of that name for a model. Whoever asks for it opens a model with it or calls
   * {@link #giveUp}.
   *
   * @throws FaultException when there is none
   */
  BackendProvider require(String name, ModelFiles files) {
    boolean ours = repositories.stream().anyMatch(files.model()::startsWith);
    List<Path> jars = ours ? JarBackends.jarsIn(files.version(), files.model()) : List.of();
    BackendProvider provider = jars.isEmpty() ? null : beside(name, jars);
    if (provider == null) {
      provider = inDirectories(name);
    }
    if (provider == null) {
      provider = onClassPath.get(name);
    }
    if (provider == null) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "unable to find backend library for backend '%s' (expected: one of %s, or a jar %s)"
              .formatted(name, onClassPath.keySet(), where(name, files)));
    }
    return provider;
  }

  private String where(String name, ModelFiles files) {
    StringBuilder places = new StringBuilder("in " + files.version() + " or " + files.model());
    directories.forEach(directory -> places.append(" or ").append(directory.resolve(name)));
    return places.toString();
  }

  private static @Nullable BackendProvider beside(String name, List<Path> jars) {
    JarBackends own = JarBackends.open(jars);
    JarBackend found = null;
    try {
      found = own.find(name, true);
      return found;
    } finally {
      if (found == null) {
        own.close();
      }
    }
  }

  private @Nullable BackendProvider inDirectories(String name) {
    for (Path directory : directories) {
      Path place = directory.resolve(name).normalize();
      if (!directory.normalize().equals(place.getParent())) {
        continue; // a name with a path in it is nobody's
      }
      List<Path> jars = JarBackends.jarsIn(place);
      if (!jars.isEmpty()) {
        BackendProvider found = opened(place, jars).find(name, false);
        if (found != null) {
          return found;
        }
      }
    }
    return null;
  }

  private JarBackends opened(Path place, List<Path> jars) {
    opening.lock();
    try {
      return opened.computeIfAbsent(place, _ -> JarBackends.open(jars));
    } finally {
      opening.unlock();
    }
  }

  /** Tells that no model is opened with a back end that was asked for. */
  static void giveUp(BackendProvider backend) {
    if (backend instanceof JarBackend own) {
      own.giveUp();
    }
  }

  @Override
  public void close() {
    opening.lock();
    try {
      opened.values().forEach(JarBackends::close);
      opened.clear();
    } finally {
      opening.unlock();
    }
  }
}
