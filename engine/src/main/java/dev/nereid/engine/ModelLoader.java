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
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.repository.FileCheck;
import dev.nereid.repository.Labels;
import dev.nereid.repository.ModelEntry;
import dev.nereid.scheduler.BatchingScheduler;
import dev.nereid.scheduler.ExecutionStatistics;
import dev.nereid.scheduler.ModelScheduler;
import dev.nereid.scheduler.SchedulerSetup;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns a directory of the repository into versions that take requests. Thread-safe. */
final class ModelLoader {
  private static final Logger LOG = LoggerFactory.getLogger(ModelLoader.class);

  private final EngineOptions options;
  private final MemoryPool memory;
  private final Ticker ticker;
  private final BiConsumer<ServedVersion, List<InferRequest>> redirect;
  private final SharedResources shared;

  /** A loader whose versions give away through {@code redirect} what comes after they drain. */
  ModelLoader(
      EngineOptions options,
      MemoryPool memory,
      Ticker ticker,
      BiConsumer<ServedVersion, List<InferRequest>> redirect,
      SharedResources shared) {
    this.options = options;
    this.memory = memory;
    this.ticker = ticker;
    this.redirect = redirect;
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

  /**
   * What one version is loaded from and for.
   *
   * @param statistics to count on with; null for new ones
   * @param files where they came with the load; null when they lie in the repository
   */
  record Job(
      ModelEntry entry,
      ModelConfig declared,
      long version,
      @Nullable ExecutionStatistics statistics,
      @Nullable OverrideDirectory files,
      LoadAttempt attempt) {
    /** What gives back, when the version is closed, what it holds of the files. */
    private Runnable release() {
      return files == null ? () -> {} : files.share()::close;
    }

    private String fingerprint() {
      return files == null ? Identities.files(entry.fingerprint(), version) : Identities.unique();
    }
  }

  /** Loads one version of a model that has a back end, and warms it up. */
  ServedVersion load(Job job) {
    ModelFiles files =
        new ModelFiles(job.entry.directory(), job.entry.versionDirectory(job.version));
    BackendProvider backend = shared.backends().require(job.declared.getBackend(), files);
    try {
      return load(job, files, backend);
    } catch (RuntimeException | LinkageError e) {
      Backends.giveUp(backend);
      throw e;
    }
  }

  private ServedVersion load(Job job, ModelFiles files, BackendProvider backend) {
    long started = ticker.nanos();
    ModelEntry entry = job.entry;
    Map<String, String> backendOptions =
        options.backendOptions().getOrDefault(backend.name(), Map.of());
    ModelConfig config = complete(job.declared, backend, files, backendOptions);
    List<String> missing = FileCheck.problems(entry, config, List.of(job.version));
    if (!missing.isEmpty()) {
      throw FaultException.of(Fault.INVALID_ARGUMENT, String.join("; ", missing));
    }
    ModelSpec spec = ModelSpec.of(config);
    Map<String, List<String>> labels = labels(spec, entry.directory());
    try (WarmUp warmUp = WarmUp.of(spec, entry.directory(), memory, ticker, job.attempt)) {
      Model model =
          backend.open(
              new ModelContext(
                  config, job.version, files, backendOptions, memory, options.cores()));
      SchedulerSetup setup = setup(job, config, model, warmUp);
      String summary = summary(model, setup.placements());
      ModelScheduler scheduler = BatchingScheduler.start(setup);
      double seconds = (ticker.nanos() - started) / 1e9;
      return new ServedVersion(
          new VersionFacts(spec, job.version, labels, summary, seconds, job.fingerprint()),
          shared.cached(scheduler, config, setup.statistics()),
          setup.statistics(),
          redirect,
          job.release());
    }
  }

  private SchedulerSetup setup(Job job, ModelConfig config, Model model, WarmUp warmUp) {
    ExecutionStatistics counted = job.statistics;
    return new SchedulerSetup(
        config,
        job.version,
        model,
        placements(config),
        memory,
        ticker,
        counted == null ? shared.statistics(config, job.version) : counted,
        shared.limiter(),
        warmUp);
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

  /** Reads one version of an ensemble. */
  EnsembleDefinition define(ModelEntry entry, ModelConfig declared, long version) {
    long started = ticker.nanos();
    ModelConfig config = accepted(declared, new ConfigNormaliser.Defaults(false, "", 1));
    ModelSpec spec = ModelSpec.of(config);
    Map<String, List<String>> labels = labels(spec, entry.directory());
    ExecutionStatistics statistics = shared.statistics(config, version);
    double seconds = (ticker.nanos() - started) / 1e9;
    return new EnsembleDefinition(spec, version, labels, statistics, seconds);
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
}
