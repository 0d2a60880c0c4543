package dev.nereid.client;

import dev.nereid.protocol.proto.ModelStatisticsResponse;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * What a target says of its executions, added up since it was first asked; one that restarts counts
 * from zero again. Confined.
 */
final class ExecutionCounts {
  private final SortedMap<Long, Long> batches = new TreeMap<>();
  private UpstreamStatus.Work work = UpstreamStatus.Work.NONE;
  private double queueDepth;
  private boolean asked;

  // as told the last time
  private SortedMap<Long, Long> toldBatches = new TreeMap<>();
  private UpstreamStatus.Work told = UpstreamStatus.Work.NONE;
  private long toldAtNanos;

  /**
   * Takes what a target tells now.
   *
   * @param isEnsemble whose steps are told by themselves
   */
  void add(ModelStatisticsResponse reply, Predicate<String> isEnsemble, long nowNanos) {
    SortedMap<Long, Long> newBatches = new TreeMap<>();
    UpstreamStatus.Work now = UpstreamStatus.Work.NONE;
    for (var model : reply.getModelStatsList()) {
      for (var batch : model.getBatchStatsList()) {
        newBatches.merge(batch.getBatchSize(), batch.getComputeInfer().getCount(), Long::sum);
      }
      if (!isEnsemble.test(model.getName())) {
        var queue = model.getInferenceStats().getQueue();
        var infer = model.getInferenceStats().getComputeInfer();
        now =
            now.plus(
                new UpstreamStatus.Work(
                    queue.getCount(), queue.getNs(), infer.getCount(), infer.getNs()));
      }
    }
    if (asked) {
      UpstreamStatus.Work more = now.since(told);
      work = work.plus(more);
      newBatches.forEach((size, count) -> addBatches(size, count));
      // Little's law: the time spent waiting, over the time passed, is how many waited.
      queueDepth = more.queueNanos() / (double) Math.max(1, nowNanos - toldAtNanos);
    }
    asked = true;
    told = now;
    toldBatches = newBatches;
    toldAtNanos = nowNanos;
  }

  private void addBatches(long size, long count) {
    long before = toldBatches.getOrDefault(size, 0L);
    long more = count >= before ? count - before : count;
    if (more > 0) {
      batches.merge(size, more, Long::sum);
    }
  }

  /** Tells the target what is known of it. */
  void tell(UpstreamTarget target) {
    target.statistics(queueDepth, batches, work);
  }
}
