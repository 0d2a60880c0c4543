package dev.nereid.scheduler;

import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link BatchingScheduler} runs.
 *
 * @param config complete, normalised and valid
 * @param model opened; the scheduler closes it
 * @param placements one for each instance; at least one that is not passive
 * @param limiter where instances get the resources that their groups declare; null when that is of
 *     no concern
 * @param warmUp is given each instance before it runs requests, on its own thread; what it throws
 *     keeps the scheduler from starting
 */
public record SchedulerSetup(
    ModelConfig config,
    long version,
    Model model,
    List<Placement> placements,
    MemoryPool memory,
    Ticker ticker,
    ExecutionStatistics statistics,
    @Nullable RateLimiter limiter,
    Consumer<Instance> warmUp) {
  public SchedulerSetup {
    if (placements.stream().allMatch(Placement::passive)) {
      throw new IllegalArgumentException(
          "placements: none but passive (expected: at least one instance)");
    }
    placements = List.copyOf(placements);
  }

  /** The same without a limiter and without warm-up. */
  public SchedulerSetup(
      ModelConfig config,
      long version,
      Model model,
      List<Placement> placements,
      MemoryPool memory,
      Ticker ticker,
      ExecutionStatistics statistics) {
    this(config, version, model, placements, memory, ticker, statistics, null, _ -> {});
  }
}
