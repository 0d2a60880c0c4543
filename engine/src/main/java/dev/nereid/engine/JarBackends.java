package dev.nereid.engine;

import dev.nereid.backend.BackendProvider;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.io.IOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.jar.JarFile;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The back ends in some jars, in a class loader of their own. The jars are copied before they are
 * opened, since one that is replaced while classes are read from it would end in nonsense.
 *
 * <p>Thread-safe. After closing, no more classes are loaded; what was loaded goes when nobody uses
 * it any more.
 */
final class JarBackends implements AutoCloseable {
  /** The back end that means whatever the model's own jar offers. */
  static final String ANY = "java";

  private static final Logger LOG = LoggerFactory.getLogger(JarBackends.class);
  private static final String SUFFIX = ".jar";

  /** Of the directories of copies, with the process that made them. */
  static final String PREFIX = "nereid-jars-" + ProcessHandle.current().pid() + "-";

  private final List<Path> jars;
  private final Path copies;
  private final JarClassLoader loader;
  private final List<BackendProvider> providers;

  private JarBackends(List<Path> jars, Path copies, JarClassLoader loader) {
    this.jars = jars;
    this.copies = copies;
    this.loader = loader;
    providers = providers(loader);
  }

  /** The jars in these directories, by name within each; a directory may be missing. */
  static List<Path> jarsIn(Path... directories) {
    List<Path> jars = new ArrayList<>();
    for (Path directory : directories) {
      if (Files.isDirectory(directory)) {
        try (Stream<Path> files = Files.list(directory)) {
          files
              .filter(file -> file.toString().endsWith(SUFFIX) && Files.isRegularFile(file))
              .sorted()
              .forEach(jars::add);
        } catch (IOException e) {
          throw new FaultException(Fault.INVALID_ARGUMENT.with(directory + ": " + e), e);
        }
      }
    }
    return jars;
  }

  /**
   * Opens jars and makes the back ends that they offer.
   *
   * @throws FaultException when a jar cannot be read or a back end not be made
   */
  static JarBackends open(List<Path> jars) {
    Path copies = null;
    JarClassLoader loader = null;
    try {
      copies = Files.createTempDirectory(PREFIX);
      ClassLoader server = JarBackends.class.getClassLoader();
      loader = new JarClassLoader(jars.toString(), copied(jars, copies), server);
      return new JarBackends(jars, copies, loader);
    } catch (IOException | RuntimeException | ServiceConfigurationError | LinkageError e) {
      close(loader, copies);
      throw new FaultException(Fault.INVALID_ARGUMENT.with("back end in " + jars + ": " + e), e);
    }
  }

  private static URL[] copied(List<Path> jars, Path copies) throws IOException {
    URL[] urls = new URL[jars.size()];
    for (int i = 0; i < urls.length; i++) {
      Path copy = copies.resolve(i + SUFFIX);
      Files.copy(jars.get(i), copy);
      requireJar(copy);
      urls[i] = copy.toUri().toURL();
    }
    return urls;
  }

  /** A class loader passes over what is no jar without a word. */
  private static void requireJar(Path copy) throws IOException {
    new JarFile(copy.toFile()).close();
  }

  private static List<BackendProvider> providers(JarClassLoader loader) {
    return JarBackend.under(
        loader,
        () ->
            ServiceLoader.load(BackendProvider.class, loader).stream()
                .filter(found -> loader.equals(found.type().getClassLoader()))
                .map(ServiceLoader.Provider::get)
                .toList());
  }

  /**
   * The back end of that name or platform, or the only one for {@link #ANY}; null when there is
   * none.
   *
   * @param ownedByModel whether closing a model closes this too
   * @throws FaultException when the name means any and there is not exactly one
   */
  @Nullable JarBackend find(String name, boolean ownedByModel) {
    if (name.equals(ANY) && providers.size() != 1) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "back ends in %s: %s (expected: one, since backend is '%s'; it is named in"
                  .formatted(jars, names(), ANY)
              + " META-INF/services/dev.nereid.backend.BackendProvider)");
    }
    for (BackendProvider provider : providers) {
      if (name.equals(ANY) || provider.name().equals(name) || provider.platforms().contains(name)) {
        return new JarBackend(provider, loader, ownedByModel ? this::close : () -> {});
      }
    }
    return null;
  }

  /** What they are called. */
  List<String> names() {
    return providers.stream().map(BackendProvider::name).toList();
  }

  @Override
  public void close() {
    close(loader, copies);
  }

  private static void close(@Nullable JarClassLoader loader, @Nullable Path copies) {
    try {
      if (loader != null) {
        loader.close();
      }
      if (copies != null && Files.isDirectory(copies)) {
        for (Path copy : jarsIn(copies)) {
          Files.delete(copy);
        }
        Files.delete(copies);
      }
    } catch (IOException | FaultException e) {
      LOG.warn("copies of jars in {} are not removed", copies, e);
    }
  }
}
