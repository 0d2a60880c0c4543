package dev.nereid.engine;

import dev.nereid.backend.BackendProvider;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;

/** The back ends that can be had, by name. Immutable. */
final class Backends {
  private final Map<String, BackendProvider> byName;

  private Backends(Map<String, BackendProvider> byName) {
    this.byName = byName;
  }

  /** Those on the class path. */
  static Backends found() {
    Map<String, BackendProvider> byName = new TreeMap<>();
    for (BackendProvider provider : ServiceLoader.load(BackendProvider.class)) {
      byName.put(provider.name(), provider);
      provider.platforms().forEach(platform -> byName.putIfAbsent(platform, provider));
    }
    return new Backends(byName);
  }

  /**
   * The back end of that name.
   *
   * @throws FaultException when there is none
   */
  BackendProvider require(String name) {
    BackendProvider provider = byName.get(name);
    if (provider == null) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "unable to find backend library for backend '%s' (expected: one of %s)"
              .formatted(name, byName.keySet()));
    }
    return provider;
  }
}
