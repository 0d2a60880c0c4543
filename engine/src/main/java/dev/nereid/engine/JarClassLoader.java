package dev.nereid.engine;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Enumeration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Loads the classes of jars that are not the server's: their own first, so that they may bring
 * other versions of what the server uses too. What both sides must mean the same by, the contract
 * of back ends and what it mentions, is the server's.
 */
final class JarClassLoader extends URLClassLoader {
  private static final List<String> CONTRACT =
      List.of(
          "dev.nereid.core.",
          "dev.nereid.config.",
          "dev.nereid.backend.",
          "com.google.protobuf.",
          "io.netty.buffer.",
          "io.netty.util.",
          "org.jspecify.",
          "org.slf4j.");

  static {
    registerAsParallelCapable();
  }

  JarClassLoader(String name, URL[] jars, ClassLoader server) {
    super(name, jars, server);
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    synchronized (getClassLoadingLock(name)) {
      Class<?> known = findLoadedClass(name);
      if (known == null && !isOfContract(name)) {
        known = own(name);
      }
      return known == null ? super.loadClass(name, resolve) : known;
    }
  }

  private static boolean isOfContract(String name) {
    return CONTRACT.stream().anyMatch(name::startsWith);
  }

  private @Nullable Class<?> own(String name) {
    try {
      return findClass(name);
    } catch (ClassNotFoundException _) {
      return null;
    }
  }

  @Override
  public @Nullable URL getResource(String name) {
    URL own = findResource(name);
    return own == null ? super.getResource(name) : own;
  }

  @Override
  public Enumeration<URL> getResources(String name) throws IOException {
    List<URL> all = new ArrayList<>(Collections.list(findResources(name)));
    Collections.list(super.getResources(name)).stream()
        .filter(resource -> !all.contains(resource))
        .forEach(all::add);
    return Collections.enumeration(all);
  }
}
