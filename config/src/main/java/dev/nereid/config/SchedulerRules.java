package dev.nereid.config;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.config.proto.ModelQueuePolicy;
import java.util.List;

/** What must hold for {@code dynamic_batching}. */
final class SchedulerRules {
  private SchedulerRules() {}

  static void check(ModelConfig config, Problems problems) {
    if (!config.hasDynamicBatching()) {
      return;
    }
    ModelDynamicBatching batching = config.getDynamicBatching();
    preferred(
        "dynamic_batching.preferred_batch_size",
        batching.getPreferredBatchSizeList(),
        config.getMaxBatchSize(),
        problems);
    priorities(batching, problems);
    if (batching.getPreserveOrdering()) {
      ordering(batching, problems);
    }
  }

  static void preferred(String at, List<Integer> sizes, int maxBatchSize, Problems problems) {
    for (int size : sizes) {
      problems.unless(
          size > 0 && size <= maxBatchSize,
          at,
          size,
          "1 up to max_batch_size, which is " + maxBatchSize);
    }
  }

  private static void priorities(ModelDynamicBatching batching, Problems problems) {
    long levels = batching.getPriorityLevels();
    long chosen = batching.getDefaultPriorityLevel();
    problems.unless(
        levels == 0 ? chosen == 0 : isLevel(chosen, levels),
        "dynamic_batching.default_priority_level",
        Long.toUnsignedString(chosen),
        levels == 0
            ? "0, since priority_levels is 0"
            : "1 up to priority_levels, which is " + Long.toUnsignedString(levels));
    for (long level : batching.getPriorityQueuePolicyMap().keySet()) {
      problems.unless(
          isLevel(level, levels),
          "dynamic_batching.priority_queue_policy",
          "key " + Long.toUnsignedString(level),
          "1 up to priority_levels, which is " + Long.toUnsignedString(levels));
    }
  }

  private static boolean isLevel(long level, long levels) {
    return level != 0 && Long.compareUnsigned(level, levels) <= 0;
  }

  private static void ordering(ModelDynamicBatching batching, Problems problems) {
    problems.unless(
        Long.compareUnsigned(batching.getPriorityLevels(), 1) <= 0,
        "dynamic_batching.priority_levels",
        Long.toUnsignedString(batching.getPriorityLevels()),
        "at most 1, since preserve_ordering is true");
    boolean delays =
        delays(batching.getDefaultQueuePolicy())
            || batching.getPriorityQueuePolicyMap().values().stream()
                .anyMatch(SchedulerRules::delays);
    problems.unless(
        !delays,
        "dynamic_batching queue policy timeout_action",
        "DELAY",
        "REJECT, since preserve_ordering is true");
  }

  private static boolean delays(ModelQueuePolicy policy) {
    return policy.getTimeoutAction() == ModelQueuePolicy.TimeoutAction.DELAY;
  }
}
