package dev.nereid.engine;

import dev.nereid.core.MemoryPool;
import dev.nereid.scheduler.RateLimiter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

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
    Shared shared) {

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
        Shared.NOTHING);
  }
}
