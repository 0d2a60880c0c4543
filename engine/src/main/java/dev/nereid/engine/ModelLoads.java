package dev.nereid.engine;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Ticker;
import dev.nereid.repository.ModelEntry;
import dev.nereid.scheduler.ExecutionStatistics;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.util.Collection;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Loads one model: chooses its versions, keeps those that have not changed, loads the others beside
 * what is served, and puts them in its place when all are ready. Thread-safe; blocks.
 */
final class ModelLoads {
  private static final Logger LOG = LoggerFactory.getLogger(ModelLoads.class);

  private final ModelLoader loader;
  private final ModelCatalog catalog;
  private final VersionOpener opener;
  private final Metrics metrics;
  private final Ticker ticker;
  private final NameLocks locks = new NameLocks();

  /**
   * A model to be loaded.
   *
   * @param requested whether for its own sake, and not only as a step
   * @param files the files that came with the load; null when they lie in the repository
   */
  record Wanted(ModelEntry entry, boolean requested, @Nullable OverrideDirectory files) {
    String name() {
      return entry.name();
    }
  }

  ModelLoads(
      ModelLoader loader,
      ModelCatalog catalog,
      VersionOpener opener,
      Metrics metrics,
      Ticker ticker) {
    this.loader = loader;
    this.catalog = catalog;
    this.opener = opener;
    this.metrics = metrics;
    this.ticker = ticker;
  }

  /**
   * Loads a model, unless it is served as it is wanted.
   *
   * @throws FaultException in Triton's words when a version of it cannot be served
   */
  void load(Wanted wanted) {
    try (NameLocks.Held _ = locks.take(wanted.name())) {
      ServedModel before = catalog.find(wanted.name());
      if (before != null && isServed(before, wanted)) {
        return;
      }
      boolean done = false;
      try {
        loadAnew(before == null ? ServedModel.named(wanted.name()) : before, wanted);
        done = true;
      } finally {
        metrics.counter(Meter.MODEL_LOADS, wanted.name(), done ? "success" : "failure").increment();
      }
    }
  }

  private boolean isServed(ServedModel model, Wanted wanted) {
    Source source = model.source();
    if (source == null || !source.entry().equals(wanted.entry) || !model.isReady()) {
      return false;
    }
    if (wanted.requested && !source.requested()) {
      var _ = catalog.change(model.name(), now -> now.with(source.with(true)));
    }
    return true;
  }

  private void loadAnew(ServedModel before, Wanted wanted) {
    Source source;
    Collection<Long> versions;
    try {
      ModelConfig declared = loader.declared(wanted.entry);
      Source known = before.source();
      boolean requested = wanted.requested || (known != null && known.requested());
      source = new Source(wanted.entry, declared, requested);
      versions = loader.versions(wanted.entry, declared);
    } catch (RuntimeException e) {
      throw refused(before, wanted, e);
    }
    var _ = catalog.change(before.name(), now -> now.loading(versions));
    ServedModel.Loaded loaded = loadVersions(before, source, versions, wanted);
    if (!loaded.failures().isEmpty() && !before.versions().isEmpty()) {
      discard(before, loaded);
      var _ = catalog.change(before.name(), ServedModel::kept);
      throw failure(before.name(), loaded.failures());
    }
    ServedModel after = catalog.change(before.name(), now -> now.loaded(loaded));
    if (!after.failures().isEmpty()) {
      throw failure(before.name(), after.failures());
    }
  }

  /** No version can even be tried. */
  private FaultException refused(ServedModel before, Wanted wanted, RuntimeException why) {
    String reason = VersionOpener.reason(why);
    VersionOpener.logFailure("Poll failed for model directory '" + before.name() + "'", why);
    var _ =
        catalog.change(
            before.name(), now -> before.versions().isEmpty() ? now.failed(reason) : now.kept());
    boolean none = wanted.entry.versions().isEmpty();
    return FaultException.of(
        none ? Fault.INTERNAL : Fault.INVALID_ARGUMENT,
        none
            ? "failed to load '%s', no version is available: %s".formatted(before.name(), reason)
            : "load failed for model '%s': %s".formatted(before.name(), reason));
  }

  private static FaultException failure(String name, Map<Long, String> failures) {
    StringBuilder text = new StringBuilder("load failed for model '" + name + "': ");
    failures.forEach(
        (version, reason) ->
            text.append("version %d is at UNAVAILABLE state: %s;".formatted(version, reason)));
    return FaultException.of(Fault.INVALID_ARGUMENT, text.toString());
  }

  private ServedModel.Loaded loadVersions(
      ServedModel before, Source source, Collection<Long> versions, Wanted wanted) {
    NavigableMap<Long, ServedVersion> served = new TreeMap<>();
    NavigableMap<Long, EnsembleDefinition> ensembles = new TreeMap<>();
    NavigableMap<Long, String> failures = new TreeMap<>();
    for (long version : versions) {
      try {
        if (source.declared().hasEnsembleScheduling()) {
          ensembles.put(version, define(before, source, version));
        } else {
          served.put(version, serve(before, source, version, wanted.files));
        }
      } catch (RuntimeException | LinkageError e) {
        failures.put(version, VersionOpener.reason(e));
        VersionOpener.logFailure(
            "failed to load '%s' version %d".formatted(before.name(), version), e);
      }
    }
    return new ServedModel.Loaded(source, served, ensembles, failures);
  }

  private EnsembleDefinition define(ServedModel before, Source source, long version) {
    Source known = before.source();
    EnsembleDefinition same = before.ensembles().get(version);
    if (same != null && known != null && known.sameVersion(source, version)) {
      return same;
    }
    EnsembleDefinition definition = loader.define(source.entry(), source.declared(), version);
    if (!before.versions().isEmpty()) {
      catalog.check(definition);
    }
    LOG.info("successfully loaded '{}' version {}", before.name(), version);
    return definition;
  }

  private ServedVersion serve(
      ServedModel before, Source source, long version, @Nullable OverrideDirectory files) {
    Source known = before.source();
    ServedVersion same = before.versions().get(version);
    ExecutionStatistics counted = null;
    if (same != null && known != null) {
      if (known.sameVersion(source, version)) {
        return same;
      }
      boolean resized =
          known.entry().directory().equals(source.entry().directory())
              && known.entry().fingerprint().sameVersion(source.entry().fingerprint(), version)
              && known.sameButInstances(source);
      counted = resized ? same.statistics() : null;
    }
    var job =
        new ModelLoader.Job(
            source.entry(),
            source.declared(),
            version,
            counted,
            files,
            new LoadAttempt(before.name(), ticker.nanos()));
    ServedVersion made = opener.open(job);
    LOG.info("successfully loaded {} ({})", made, made.summary());
    return made;
  }

  /** Frees what was loaded to no avail. */
  private static void discard(ServedModel before, ServedModel.Loaded loaded) {
    loaded.versions().values().stream()
        .filter(version -> !before.versions().containsValue(version))
        .forEach(ServedVersion::close);
  }

  /** Takes a model out of service; what it has taken is still answered. */
  void unload(String name) {
    try (NameLocks.Held _ = locks.take(name)) {
      var _ = catalog.change(name, ServedModel::unloading);
    }
  }

  /** How many models are being loaded or unloaded, or wait for it. */
  int busy() {
    return locks.size();
  }
}
