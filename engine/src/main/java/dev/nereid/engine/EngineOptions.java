package dev.nereid.engine;

import dev.nereid.core.MemoryPool;
import dev.nereid.scheduler.RateLimiter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How an engine is run.
 *
 * @param repositories where models lie
 * @param modelConfigName which of a model's {@code configs/NAME.pbtxt} to prefer; empty for none
 * @param autoComplete whether back ends fill in what configurations leave out
 * @param strictReadiness whether readiness needs every model
 * @param loadThreads how many models load at a time
 * @param backendOptions by back end, then by key
 * @param gpuUnavailable what becomes of models that ask for a GPU that is not there
 * @param cores how many processors models may use
 * @param shared what the models of the server share
 * @param control who decides what is served, and how it is loaded
 */
public record EngineOptions(
    List<Path> repositories,
    String modelConfigName,
    boolean autoComplete,
    boolean strictReadiness,
    int loadThreads,
    Map<String, Map<String, String>> backendOptions,
    GpuUnavailable gpuUnavailable,
    int cores,
    MemoryPool.Limits memory,
    Shared shared,
    Control control) {

  /** Who decides what is served. */
  public enum ControlMode {
    /** What lies in the repositories at the start, for good. */
    NONE,
    /** What lies in the repositories, which are looked at again and again. */
    POLL,
    /** Whoever calls {@link Engine#load} and {@link Engine#unload}. */
    EXPLICIT
  }

  /**
   * What is served and how it is loaded.
   *
   * @param startModels in explicit mode, what is loaded at the start; {@code *} for everything
   * @param pollEvery how often repositories are looked at
   * @param loadTimeout after which a load that does not end is given up
   * @param loadRetries how often a failed load of a version is tried again, at once
   * @param scratch where files that come with a load are written; null for the system's place
   */
  public record Control(
      ControlMode mode,
      List<String> startModels,
      Duration pollEvery,
      Duration loadTimeout,
      int loadRetries,
      @Nullable Path scratch) {
    /** Every model that lies in the repositories at the start, and ten minutes for each load. */
    public static final Control NONE = of(ControlMode.NONE);

    public Control {
      startModels = List.copyOf(startModels);
      if (loadRetries < 0 || !pollEvery.isPositive() || !loadTimeout.isPositive()) {
        throw new IllegalArgumentException(
            "control: loadRetries %d, pollEvery %s, loadTimeout %s (expected: not negative, positive, positive)"
                .formatted(loadRetries, pollEvery, loadTimeout));
      }
    }

    /** That mode with the usual times, and these models at the start if it is explicit. */
    public static Control of(ControlMode mode, String... startModels) {
      return new Control(
          mode, List.of(startModels), Duration.ofSeconds(15), Duration.ofMinutes(10), 0, null);
    }

    /** The same with another time for each load. */
    public Control withLoadTimeout(Duration timeout) {
      return new Control(mode, startModels, pollEvery, timeout, loadRetries, scratch);
    }

    /** The same with another place for files that come with a load. */
    public Control withScratch(Path directory) {
      return new Control(mode, startModels, pollEvery, loadTimeout, loadRetries, directory);
    }
  }

  /** What becomes of a model that asks for a GPU on a machine that has none. */
  public enum GpuUnavailable {
    /** It fails to load, with the remedy in the message. */
    REFUSE,
    /** It is served on the CPU, with a warning. */
    CPU
  }

  /**
   * What the models of a server share.
   *
   * @param cacheBytes how much the response cache may hold; 0 for no cache
   * @param rateLimit whether executions wait for the resources that instance groups declare
   * @param resources how much there is of them; when none is named, as much of each as the
   *     greediest instance needs
   * @param backendDirectories where back ends are looked for, in {@code NAME/*.jar}
   */
  public record Shared(
      long cacheBytes,
      boolean rateLimit,
      List<RateLimiter.Resource> resources,
      List<Path> backendDirectories) {
    /** No response cache, no limits, and the back ends of the class path. */
    public static final Shared NOTHING = new Shared(0, false, List.of(), List.of());

    public Shared {
      if (cacheBytes < 0) {
        throw new IllegalArgumentException("cacheBytes: " + cacheBytes + " (expected: 0 or more)");
      }
      resources = List.copyOf(resources);
      backendDirectories = List.copyOf(backendDirectories);
    }
  }

  public EngineOptions {
    repositories = List.copyOf(repositories);
    backendOptions = Map.copyOf(backendOptions);
    if (loadThreads < 1 || cores < 1) {
      throw new IllegalArgumentException(
          "loadThreads, cores: %d, %d (expected: at least 1)".formatted(loadThreads, cores));
    }
  }

  /** Defaults for these repositories on this machine. */
  public static EngineOptions of(Path... repositories) {
    int cores = Runtime.getRuntime().availableProcessors();
    return new EngineOptions(
        List.of(repositories),
        "",
        true,
        true,
        4,
        Map.of(),
        GpuUnavailable.REFUSE,
        cores,
        MemoryPool.Limits.DEFAULT,
        Shared.NOTHING,
        Control.NONE);
  }

  /** The same under another control. */
  public EngineOptions with(Control other) {
    return new EngineOptions(
        repositories,
        modelConfigName,
        autoComplete,
        strictReadiness,
        loadThreads,
        backendOptions,
        gpuUnavailable,
        cores,
        memory,
        shared,
        other);
  }
}
