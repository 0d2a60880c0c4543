package dev.nereid.engine;

import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import dev.nereid.backend.ModelFiles;
import dev.nereid.backend.Placement;
import dev.nereid.config.BackendNames;
import dev.nereid.config.ConfigMerge;
import dev.nereid.config.ConfigNormaliser;
import dev.nereid.config.ConfigValidator;
import dev.nereid.config.ModelSpec;
import dev.nereid.config.TensorSpec;
import dev.nereid.config.VersionPolicy;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInstanceGroup;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.repository.FileCheck;
import dev.nereid.repository.Labels;
import dev.nereid.repository.ModelEntry;
import dev.nereid.scheduler.BatchingScheduler;
import dev.nereid.scheduler.EnsembleScheduler;
import dev.nereid.scheduler.ExecutionStatistics;
import dev.nereid.scheduler.ModelScheduler;
import dev.nereid.scheduler.SchedulerSetup;
import dev.nereid.scheduler.StepTarget;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns a directory of the repository into versions that take requests. Thread-safe. */
final class ModelLoader {
  private static final Logger LOG = LoggerFactory.getLogger(ModelLoader.class);

  private final EngineOptions options;
  private final MemoryPool memory;
  private final Ticker ticker;
  private final BiFunction<String, Long, StepTarget> targets;
  private final SharedResources shared;

  /** A loader whose ensembles find their steps through {@code targets}. */
  ModelLoader(
      EngineOptions options,
      MemoryPool memory,
      Ticker ticker,
      BiFunction<String, Long, StepTarget> targets,
      SharedResources shared) {
    this.options = options;
    this.memory = memory;
    this.ticker = ticker;
    this.targets = targets;
    this.shared = shared;
  }

  /** What a model declares, with name, platform and back end filled in. */
  ModelConfig declared(ModelEntry entry) {
    if (entry.problem() != null) {
      throw FaultException.of(Fault.INVALID_ARGUMENT, entry.problem());
    }
    return BackendNames.complete(entry.declared(), entry.name(), entry.versionFiles());
  }

  /** The versions to serve. */
  Collection<Long> versions(ModelEntry entry, ModelConfig declared) {
    return VersionPolicy.choose(declared, entry.versions());
  }

  /** Loads one version of a model that has a back end. */
  ServedVersion load(ModelEntry entry, ModelConfig declared, long version) {
    ModelFiles files = new ModelFiles(entry.directory(), entry.versionDirectory(version));
    BackendProvider backend = shared.backends().require(declared.getBackend(), files);
    try {
      return load(entry, declared, version, files, backend);
    } catch (RuntimeException | LinkageError e) {
      Backends.giveUp(backend);
      throw e;
    }
  }

  private ServedVersion load(
      ModelEntry entry,
      ModelConfig declared,
      long version,
      ModelFiles files,
      BackendProvider backend) {
    long started = ticker.nanos();
    Map<String, String> backendOptions =
        options.backendOptions().getOrDefault(backend.name(), Map.of());
    ModelConfig config = complete(declared, backend, files, backendOptions);
    List<String> missing = FileCheck.problems(entry, config, List.of(version));
    if (!missing.isEmpty()) {
      throw FaultException.of(Fault.INVALID_ARGUMENT, String.join("; ", missing));
    }
    Model model =
        backend.open(
            new ModelContext(config, version, files, backendOptions, memory, options.cores()));
    var statistics = new ExecutionStatistics(config.getName(), version);
    List<Placement> placements = placements(config);
    String summary = summary(model, placements);
    ModelScheduler scheduler =
        BatchingScheduler.start(
            new SchedulerSetup(
                config, version, model, placements, memory, ticker, statistics, shared.limiter()));
    ModelSpec spec = ModelSpec.of(config);
    return new ServedVersion(
        spec,
        version,
        shared.cached(scheduler, config, statistics),
        statistics,
        labels(spec, entry.directory()),
        summary,
        (ticker.nanos() - started) / 1e9);
  }

  /** The configuration for this machine, with what the files tell and every default, and valid. */
  private ModelConfig complete(
      ModelConfig declared,
      BackendProvider backend,
      ModelFiles files,
      Map<String, String> backendOptions) {
    ModelConfig onDevice = placed(declared);
    ModelConfig complete =
        options.autoComplete()
            ? ConfigMerge.merge(onDevice, backend.complete(onDevice, files, backendOptions))
            : onDevice;
    return accepted(
        complete,
        new ConfigNormaliser.Defaults(
            false, backend.defaultModelFilename(), backend.defaultCpuInstances()));
  }

  /** A configuration with every default in its place; valid, and within what is built. */
  private static ModelConfig accepted(ModelConfig complete, ConfigNormaliser.Defaults defaults) {
    ModelConfig config = ConfigNormaliser.normalise(complete, defaults);
    ConfigValidator.check(config);
    NotOffered.check(config);
    return config;
  }

  private static String summary(Model model, List<Placement> placements) {
    String said = model.summary();
    if (!said.isEmpty()) {
      return said;
    }
    long active = placements.stream().filter(placement -> !placement.passive()).count();
    return active + (active == 1 ? " instance" : " instances");
  }

  /** Loads one version of an ensemble whose steps are served. */
  ServedVersion loadEnsemble(
      ModelEntry entry, ModelConfig declared, long version, Map<String, ServedVersion> steps) {
    long started = ticker.nanos();
    ModelConfig config = accepted(declared, new ConfigNormaliser.Defaults(false, "", 1));
    ModelSpec spec = ModelSpec.of(config);
    Map<String, ModelSpec> specs = new HashMap<>();
    steps.forEach((name, step) -> specs.put(name, step.spec()));
    EnsembleCheck.check(spec, specs);
    var statistics = new ExecutionStatistics(config.getName(), version);
    return new ServedVersion(
        spec,
        version,
        shared.cached(
            new EnsembleScheduler(config, version, targets, ticker, statistics),
            config,
            statistics),
        statistics,
        ensembleLabels(spec, entry.directory(), steps),
        "ensemble of " + config.getEnsembleScheduling().getStepCount(),
        (ticker.nanos() - started) / 1e9);
  }

  /**
   * The configuration for this machine: without a GPU, groups that ask for one are refused or
   * moved.
   */
  private ModelConfig placed(ModelConfig config) {
    boolean asks =
        config.getInstanceGroupList().stream()
            .anyMatch(group -> group.getKind() == ModelInstanceGroup.Kind.KIND_GPU);
    if (!asks) {
      return config;
    }
    ModelConfig.Builder moved = config.toBuilder();
    for (int i = 0; i < config.getInstanceGroupCount(); i++) {
      ModelInstanceGroup group = config.getInstanceGroup(i);
      if (group.getKind() != ModelInstanceGroup.Kind.KIND_GPU) {
        continue;
      }
      if (options.gpuUnavailable() == EngineOptions.GpuUnavailable.REFUSE) {
        throw FaultException.of(
            Fault.INVALID_ARGUMENT,
            "instance_group[%d].kind: KIND_GPU, and no GPU can be used here (expected: KIND_CPU, or start with --gpu-unavailable=cpu to serve it on the CPU)"
                .formatted(i));
      }
      LOG.warn(
          "model '{}': instance_group[{}] asks for a GPU, none can be used; served on the CPU",
          config.getName(),
          i);
      moved.setInstanceGroup(
          i,
          group.toBuilder().setKind(ModelInstanceGroup.Kind.KIND_CPU).clearGpus().clearProfile());
    }
    if (moved.hasOptimization()) {
      moved
          .getOptimizationBuilder()
          .getExecutionAcceleratorsBuilder()
          .clearGpuExecutionAccelerator();
    }
    return moved.build();
  }

  private static List<Placement> placements(ModelConfig config) {
    List<Placement> placements = new ArrayList<>();
    for (ModelInstanceGroup group : config.getInstanceGroupList()) {
      for (int i = 0; i < group.getCount(); i++) {
        placements.add(
            new Placement(group.getName(), placements.size(), Placement.CPU, group.getPassive()));
      }
    }
    return placements;
  }

  private static Map<String, List<String>> labels(ModelSpec spec, Path directory) {
    Map<String, List<String>> labels = new HashMap<>();
    for (TensorSpec output : spec.outputs()) {
      if (!output.labelFilename().isEmpty()) {
        labels.put(output.name(), Labels.read(directory, output.labelFilename()).lines());
      }
    }
    return Map.copyOf(labels);
  }

  /**
   * An ensemble's output has the labels of the step's output that makes it, unless it has its own.
   */
  private static Map<String, List<String>> ensembleLabels(
      ModelSpec spec, Path directory, Map<String, ServedVersion> steps) {
    Map<String, List<String>> labels = new HashMap<>();
    spec.config()
        .getEnsembleScheduling()
        .getStepList()
        .forEach(
            step -> {
              ServedVersion served = steps.get(step.getModelName());
              step.getOutputMapMap()
                  .forEach(
                      (output, tensor) -> {
                        List<String> known = served == null ? null : served.labels().get(output);
                        if (known != null && spec.output(tensor) != null) {
                          labels.put(tensor, known);
                        }
                      });
            });
    labels.putAll(labels(spec, directory));
    return Map.copyOf(labels);
  }
}
