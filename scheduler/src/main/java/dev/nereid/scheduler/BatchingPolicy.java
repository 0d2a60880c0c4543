package dev.nereid.scheduler;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.config.proto.ModelQueuePolicy;
import dev.nereid.core.InferRequest;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * How the requests of a model are grouped: its {@code max_batch_size} and {@code dynamic_batching}.
 *
 * @param maxBatchSize rows of one execution at most; 0 when tensors have no batch dimension
 * @param dynamic whether requests are joined at all
 * @param preferred sizes to stop at, ascending
 * @param maxDelayNanos how long the oldest may wait for others
 * @param preserveOrdering whether answers leave in the order of the requests
 * @param levels priority levels; 0 without priorities
 * @param defaultLevel of a request that names none
 */
record BatchingPolicy(
    int maxBatchSize,
    boolean dynamic,
    List<Integer> preferred,
    long maxDelayNanos,
    boolean preserveOrdering,
    long levels,
    long defaultLevel,
    QueuePolicy defaultQueue,
    Map<Long, QueuePolicy> queues) {

  static BatchingPolicy of(ModelConfig config) {
    int maxBatchSize = config.getMaxBatchSize();
    ModelDynamicBatching batching = config.getDynamicBatching();
    List<Integer> preferred = batching.getPreferredBatchSizeList().stream().sorted().toList();
    Map<Long, QueuePolicy> queues = new HashMap<>();
    for (Map.Entry<Long, ModelQueuePolicy> entry :
        batching.getPriorityQueuePolicyMap().entrySet()) {
      queues.put(entry.getKey(), QueuePolicy.of(entry.getValue()));
    }
    return new BatchingPolicy(
        maxBatchSize,
        config.hasDynamicBatching() && maxBatchSize > 0,
        preferred.isEmpty() ? List.of(Math.max(1, maxBatchSize)) : preferred,
        TimeUnit.MICROSECONDS.toNanos(batching.getMaxQueueDelayMicroseconds()),
        batching.getPreserveOrdering(),
        batching.getPriorityLevels(),
        batching.getDefaultPriorityLevel(),
        QueuePolicy.of(batching.getDefaultQueuePolicy()),
        Map.copyOf(queues));
  }

  /** The level a request with that priority waits in. */
  long levelOf(long priority) {
    if (levels == 0) {
      return 0;
    }
    if (priority == InferRequest.LAST_PRIORITY) {
      return levels;
    }
    return priority < 1 || priority > levels ? defaultLevel : priority;
  }

  QueuePolicy queueOf(long level) {
    return queues.getOrDefault(level, defaultQueue);
  }

  int largestPreferred() {
    return preferred.getLast();
  }

  boolean isPreferred(int rows) {
    return preferred.contains(rows);
  }

  /** The smallest preferred size above that many rows; the largest size when there is none. */
  int nextPreferred(int rows) {
    for (int size : preferred) {
      if (size > rows) {
        return size;
      }
    }
    return Math.max(1, maxBatchSize);
  }
}
