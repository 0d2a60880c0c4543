package dev.nereid.scheduler;

import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import java.util.List;

/**
 * What a {@link BatchingScheduler} runs.
 *
 * @param config complete, normalised and valid
 * @param model opened; the scheduler closes it
 * @param placements one for each instance; at least one
 */
public record SchedulerSetup(
    ModelConfig config,
    long version,
    Model model,
    List<Placement> placements,
    MemoryPool memory,
    Ticker ticker,
    ExecutionStatistics statistics) {
  public SchedulerSetup {
    if (placements.isEmpty()) {
      throw new IllegalArgumentException("placements: [] (expected: at least one instance)");
    }
    placements = List.copyOf(placements);
  }
}
