package dev.nereid.engine;

import dev.nereid.config.ConfigJson;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.engine.EngineOptions.ControlMode;
import dev.nereid.repository.ModelEntry;
import dev.nereid.repository.ModelRepository;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decides what is loaded and unloaded, and in what order. Thread-safe; calls block until they are
 * carried out. Calls for one model are carried out one after another, those for different models
 * side by side. An ensemble's steps are loaded before it, each under its own lock, so that no call
 * holds two.
 */
final class ModelControl implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ModelControl.class);
  private static final String EVERYTHING = "*";

  private final EngineOptions.Control options;
  private final ModelRepository repository;
  private final ModelLoader loader;
  private final ModelCatalog catalog;
  private final ModelLoads loads;
  private final ExecutorService threads =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("control-", 0).factory());

  ModelControl(
      EngineOptions.Control options,
      ModelRepository repository,
      ModelLoader loader,
      ModelCatalog catalog,
      ModelLoads loads) {
    this.options = options;
    this.repository = repository;
    this.loader = loader;
    this.catalog = catalog;
    this.loads = loads;
  }

  /** Loads what is served from the start; completes when each is ready or has failed. */
  CompletableFuture<Void> start(Map<String, ModelEntry> found) {
    Map<String, ModelEntry> wanted = new TreeMap<>();
    if (options.mode() != ControlMode.EXPLICIT || options.startModels().contains(EVERYTHING)) {
      wanted.putAll(found);
    } else {
      options.startModels().forEach(name -> collect(name, found, wanted));
    }
    wanted.values().forEach(entry -> catalog.change(entry.name(), m -> m.loading(List.of(0L))));
    List<CompletableFuture<Void>> all = new ArrayList<>();
    for (ModelEntry entry : wanted.values()) {
      boolean requested =
          options.mode() != ControlMode.EXPLICIT
              || options.startModels().contains(EVERYTHING)
              || options.startModels().contains(entry.name());
      all.add(CompletableFuture.runAsync(() -> loadQuietly(entry, requested), threads));
    }
    return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new));
  }

  /** Adds a model and the steps it needs; one that is not there is told in the index. */
  private void collect(String name, Map<String, ModelEntry> found, Map<String, ModelEntry> wanted) {
    ModelEntry entry = found.get(name);
    if (entry == null) {
      String reason = notFound(name, "").failure().message();
      LOG.error("{}", reason);
      catalog.change(name, model -> model.failed(reason));
    } else if (wanted.put(name, entry) == null) {
      stepsOf(entry).stream()
          .filter(found::containsKey)
          .forEach(step -> collect(step, found, wanted));
    }
  }

  private Set<String> stepsOf(ModelEntry entry) {
    Set<String> names = new HashSet<>();
    try {
      loader
          .declared(entry)
          .getEnsembleScheduling()
          .getStepList()
          .forEach(step -> names.add(step.getModelName()));
    } catch (FaultException _) {
      return names; // told when the model itself is loaded
    }
    return names;
  }

  private void loadQuietly(ModelEntry entry, boolean requested) {
    try {
      loads.load(new ModelLoads.Wanted(entry, requested, null));
    } catch (FaultException _) {
      // in the log and the index already
    }
  }

  /** See {@link Engine#load}. */
  void load(String name, LoadParameters parameters) {
    requireExplicit();
    ModelRepository.checkName(name);
    ModelConfig config = given(name, parameters);
    if (parameters.files().isEmpty()) {
      ModelEntry entry = inRepository(name);
      loadWithSteps(config == null ? entry : entry.with(config), null);
    } else if (config == null) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "Load parameter 'config' must be specified for model file override");
    } else {
      try (OverrideDirectory files = written(name, parameters)) {
        loadWithSteps(repository.at(name, files.path()).with(config), files);
      }
    }
  }

  private static @Nullable ModelConfig given(String name, LoadParameters parameters) {
    String json = parameters.config();
    try {
      return json == null ? null : ConfigJson.parse(json);
    } catch (FaultException e) {
      throw new FaultException(
          e.failure()
              .fault()
              .with("failed to load '%s': %s".formatted(name, e.failure().message())),
          e);
    }
  }

  private OverrideDirectory written(String name, LoadParameters parameters) {
    try {
      return OverrideDirectory.write(options.scratch(), parameters.files());
    } catch (FaultException e) {
      throw e.failure().fault() == Fault.INTERNAL
          ? notFound(name, ": " + e.failure().message())
          : e;
    }
  }

  private ModelEntry inRepository(String name) {
    ModelEntry entry;
    try {
      entry = repository.find(name);
    } catch (FaultException e) {
      throw notFound(name, ": " + e.failure().message());
    }
    if (entry == null) {
      throw notFound(name, "");
    }
    String problem = entry.problem();
    if (problem != null) {
      throw notFound(name, ": " + problem);
    }
    return entry;
  }

  private static FaultException notFound(String name, String why) {
    return FaultException.of(
        Fault.INTERNAL,
        "failed to load '%s', failed to poll from model repository%s".formatted(name, why));
  }

  private void loadWithSteps(ModelEntry entry, @Nullable OverrideDirectory files) {
    Map<String, ModelEntry> steps = new TreeMap<>();
    collectMissing(entry, steps);
    steps.remove(entry.name());
    var all =
        steps.values().stream()
            .map(step -> CompletableFuture.runAsync(() -> loadQuietly(step, false), threads))
            .toArray(CompletableFuture[]::new);
    CompletableFuture.allOf(all).join();
    loads.load(new ModelLoads.Wanted(entry, true, files));
  }

  /** Adds the steps of an ensemble that are not served, and theirs. */
  private void collectMissing(ModelEntry entry, Map<String, ModelEntry> steps) {
    for (String name : stepsOf(entry)) {
      ServedModel known = catalog.find(name);
      if (steps.containsKey(name) || (known != null && !known.versions().isEmpty())) {
        continue;
      }
      ModelEntry step = repository.find(name);
      if (step != null) {
        steps.put(name, step);
        collectMissing(step, steps);
      }
    }
  }

  /** See {@link Engine#unload}. */
  void unload(String name, boolean dependents) {
    requireExplicit();
    ModelRepository.checkName(name);
    ServedModel before = catalog.find(name);
    drop(name);
    if (dependents && before != null) {
      dropPartsOf(before);
    }
  }

  /** Takes a model out of service, whoever decided that. */
  void drop(String name) {
    if (catalog.find(name) == null) {
      return;
    }
    loads.unload(name);
  }

  private void dropPartsOf(ServedModel ensemble) {
    for (String part : partsOf(ensemble)) {
      ServedModel model = catalog.find(part);
      Source source = model == null ? null : model.source();
      if (model == null || source == null || source.requested() || isPartOfAny(part)) {
        continue;
      }
      drop(part);
      dropPartsOf(model);
    }
  }

  private static Set<String> partsOf(ServedModel model) {
    Set<String> parts = new HashSet<>();
    model.ensembles().values().stream()
        .flatMap(definition -> definition.steps().stream())
        .forEach(step -> parts.add(step.getModelName()));
    return parts;
  }

  private boolean isPartOfAny(String name) {
    return catalog.all().values().stream().anyMatch(model -> partsOf(model).contains(name));
  }

  /** Loads what a look at the repositories found. */
  CompletableFuture<Void> loadFound(ModelEntry entry) {
    return CompletableFuture.runAsync(
        () -> loads.load(new ModelLoads.Wanted(entry, true, null)), threads);
  }

  /** The names of everything that could be loaded; empty when nobody can load. */
  Collection<String> loadable() {
    if (options.mode() != ControlMode.EXPLICIT) {
      return List.of();
    }
    try {
      return repository.names();
    } catch (FaultException e) {
      LOG.warn("{}", e.failure().message());
      return List.of();
    }
  }

  private void requireExplicit() {
    String mode =
        switch (options.mode()) {
          case EXPLICIT -> "";
          case NONE -> "its models are those of its start; --model-control-mode=explicit allows it";
          case POLL ->
              "it looks at its repositories every %d s".formatted(options.pollEvery().toSeconds());
        };
    if (!mode.isEmpty()) {
      throw FaultException.of(
          Fault.NOT_READY,
          "explicit model load / unload is not allowed if polling is enabled (this server: %s)"
              .formatted(mode));
    }
  }

  /** Starts no more work of its own; what runs ends by itself. */
  @Override
  public void close() {
    threads.shutdown();
  }
}
