package dev.nereid.engine;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.repository.ModelEntry;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads every model of a repository, several at a time, and each ensemble after its steps. What
 * fails is told in the index and stops nobody else.
 */
final class StartUp {
  private static final Logger LOG = LoggerFactory.getLogger(StartUp.class);

  private final ModelLoader loader;
  private final ModelCatalog catalog;
  private final ExecutorService loading;
  private final Map<String, ModelEntry> entries = new HashMap<>();
  private final Map<String, ModelConfig> declared = new HashMap<>();
  private final Map<String, CompletableFuture<Void>> loads = new HashMap<>();

  StartUp(ModelLoader loader, ModelCatalog catalog, ExecutorService loading) {
    this.loader = loader;
    this.catalog = catalog;
    this.loading = loading;
  }

  /** Begins to load; the result completes when every model is ready or has failed. */
  CompletableFuture<Void> begin(Collection<ModelEntry> found) {
    for (ModelEntry entry : found) {
      entries.put(entry.name(), entry);
      catalog.put(ServedModel.loading(entry.name()));
    }
    for (ModelEntry entry : found) {
      try {
        declared.put(entry.name(), loader.declared(entry));
      } catch (RuntimeException e) {
        failed(entry.name(), e);
      }
    }
    for (String name : new TreeSet<>(declared.keySet())) {
      var _ = loadOf(name, new HashSet<>());
    }
    return CompletableFuture.allOf(loads.values().toArray(CompletableFuture[]::new));
  }

  private CompletableFuture<Void> loadOf(String name, Set<String> above) {
    CompletableFuture<Void> known = loads.get(name);
    if (known != null) {
      return known;
    }
    ModelConfig config = declared.get(name);
    if (config == null) {
      return CompletableFuture.completedFuture(null);
    }
    List<CompletableFuture<Void>> before = new ArrayList<>();
    above.add(name);
    for (String step : stepsOf(config)) {
      if (above.contains(step)) {
        failed(
            name,
            FaultException.of(
                Fault.INVALID_ARGUMENT,
                "circular dependency between ensembles: '" + name + "' and '" + step + "'"));
        return CompletableFuture.completedFuture(null);
      }
      before.add(loadOf(step, above));
    }
    above.remove(name);
    var load =
        CompletableFuture.allOf(before.toArray(CompletableFuture[]::new))
            .thenRunAsync(() -> load(name, config), loading);
    loads.put(name, load);
    return load;
  }

  private static Set<String> stepsOf(ModelConfig config) {
    Set<String> names = new TreeSet<>();
    config.getEnsembleScheduling().getStepList().forEach(step -> names.add(step.getModelName()));
    return names;
  }

  private void load(String name, ModelConfig config) {
    ModelEntry entry = entries.get(name);
    if (entry == null) {
      return;
    }
    try {
      for (long version : loader.versions(entry, config)) {
        loadVersion(entry, config, version);
      }
    } catch (RuntimeException e) {
      failed(name, e);
    }
  }

  private void loadVersion(ModelEntry entry, ModelConfig config, long version) {
    String name = entry.name();
    try {
      ServedVersion served =
          config.hasEnsembleScheduling()
              ? loader.loadEnsemble(entry, config, version, steps(config))
              : loader.load(entry, config, version);
      catalog.serve(served);
      LOG.info("successfully loaded '{}' version {} ({})", name, version, served.summary());
    } catch (RuntimeException | LinkageError e) {
      catalog.fail(name, version, reason(e));
      logFailure(name + "' version " + version, e);
    }
  }

  private Map<String, ServedVersion> steps(ModelConfig config) {
    Map<String, ServedVersion> steps = new HashMap<>();
    for (var step : config.getEnsembleScheduling().getStepList()) {
      long version = step.getModelVersion() <= 0 ? -1 : step.getModelVersion();
      steps.put(step.getModelName(), catalog.require(step.getModelName(), version));
    }
    return steps;
  }

  private void failed(String name, Throwable why) {
    catalog.put(ServedModel.failed(name, reason(why)));
    logFailure(name + "'", why);
  }

  private static void logFailure(String what, Throwable why) {
    if (why instanceof FaultException) {
      LOG.error("failed to load '{}: {}", what, reason(why));
    } else {
      LOG.error("failed to load '{}: {}", what, reason(why), why);
    }
  }

  private static String reason(Throwable why) {
    return why instanceof FaultException fault ? fault.failure().message() : why.toString();
  }
}
