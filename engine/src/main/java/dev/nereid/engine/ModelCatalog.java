package dev.nereid.engine;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.telemetry.Metrics;
import java.util.List;
import java.util.SortedMap;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/** The models known to an engine, by name. Thread-safe; looking one up takes no lock. */
final class ModelCatalog {
  private final ConcurrentSkipListMap<String, ServedModel> models = new ConcurrentSkipListMap<>();
  private final Metrics metrics;

  ModelCatalog(Metrics metrics) {
    this.metrics = metrics;
  }

  void put(ServedModel model) {
    models.put(model.name(), model);
  }

  /** A version takes requests from now on. */
  void serve(ServedVersion version) {
    String name = version.spec().name();
    var entry =
        new IndexEntry(name, version.version(), IndexEntry.State.READY, "", version.summary());
    models.compute(name, (_, model) -> orLoading(name, model).with(entry, List.of(version)));
    metrics.register(version);
  }

  /** A version could not be loaded. */
  void fail(String name, long version, String reason) {
    var entry = new IndexEntry(name, version, IndexEntry.State.UNAVAILABLE, reason, "");
    models.compute(name, (_, model) -> orLoading(name, model).with(entry, List.of()));
  }

  private static ServedModel orLoading(String name, @Nullable ServedModel model) {
    return model == null ? ServedModel.loading(name) : model;
  }

  /**
   * A model by name.
   *
   * @throws FaultException when there is none
   */
  ServedModel require(String name) {
    ServedModel model = models.get(name);
    if (model == null) {
      throw FaultException.of(
          Fault.NOT_FOUND, "Request for unknown model: '" + name + "' is not found");
    }
    return model;
  }

  /** A version that takes requests; -1 for the highest. */
  ServedVersion require(String name, long version) {
    return require(name).require(version);
  }

  /** All models, by name. */
  SortedMap<String, ServedModel> all() {
    return models;
  }

  /** Forgets everything and gives back what was served. */
  List<ServedVersion> clear() {
    List<ServedVersion> served =
        models.values().stream().flatMap(model -> model.versions().values().stream()).toList();
    models.clear();
    served.forEach(metrics::unregister);
    return served;
  }
}
