package dev.nereid.app;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Properties;
import org.jspecify.annotations.Nullable;

/**
 * Where this Nereid lies, and what it is.
 *
 * @param home holds the demo repository {@code models} and the {@code samples}
 * @param cache for files that are made once and can be made again; null for none
 */
record Installation(Path home, @Nullable Path cache, String version) {

  /** As the launcher says, or the working directory when there was no launcher. */
  static Installation ofProcess() {
    String home = System.getProperty("nereid.home", "");
    String cache = System.getProperty("nereid.cache", "");
    return new Installation(
        Path.of(home).toAbsolutePath(), cache.isEmpty() ? null : Path.of(cache), builtVersion());
  }

  /** The model repository that is served when none is named. */
  Path demoRepository() {
    return home.resolve("models");
  }

  private static String builtVersion() {
    var properties = new Properties();
    try (InputStream in = Installation.class.getResourceAsStream("build.properties")) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version");
  }
}
