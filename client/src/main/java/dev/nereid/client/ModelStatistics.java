package dev.nereid.client;

import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a server counted for one version of a model since it was loaded.
 *
 * @param inferences the sum of the requests' batch sizes
 * @param executions how often the model ran
 * @param batches executions by batch size
 */
public record ModelStatistics(
    String name,
    String version,
    long inferences,
    long executions,
    Phase success,
    Phase fail,
    Phase queue,
    Phase computeInput,
    Phase computeInfer,
    Phase computeOutput,
    SortedMap<Long, Long> batches) {

  /**
   * A sum over events.
   *
   * @param nanos summed
   */
  public record Phase(long count, long nanos) {
    /** No event. */
    public static final Phase NONE = new Phase(0, 0);

    Phase minus(Phase earlier) {
      return new Phase(count - earlier.count, nanos - earlier.nanos);
    }

    Phase plus(Phase other) {
      return new Phase(count + other.count, nanos + other.nanos);
    }

    /** Microseconds per event; 0 without events. */
    public double meanMicros() {
      return count == 0 ? 0 : nanos / 1e3 / count;
    }
  }

  /** What happened since an earlier reading of the same model and version. */
  public ModelStatistics minus(ModelStatistics earlier) {
    SortedMap<Long, Long> delta = new TreeMap<>();
    batches.forEach(
        (size, count) -> {
          long since = count - earlier.batches.getOrDefault(size, 0L);
          if (since != 0) {
            delta.put(size, since);
          }
        });
    return new ModelStatistics(
        name,
        version,
        inferences - earlier.inferences,
        executions - earlier.executions,
        success.minus(earlier.success),
        fail.minus(earlier.fail),
        queue.minus(earlier.queue),
        computeInput.minus(earlier.computeInput),
        computeInfer.minus(earlier.computeInfer),
        computeOutput.minus(earlier.computeOutput),
        delta);
  }

  /** What happened here and in another time of the same model and version. */
  public ModelStatistics plus(ModelStatistics other) {
    SortedMap<Long, Long> sum = new TreeMap<>(batches);
    other.batches.forEach((size, count) -> sum.merge(size, count, Long::sum));
    return new ModelStatistics(
        name,
        version,
        inferences + other.inferences,
        executions + other.executions,
        success.plus(other.success),
        fail.plus(other.fail),
        queue.plus(other.queue),
        computeInput.plus(other.computeInput),
        computeInfer.plus(other.computeInfer),
        computeOutput.plus(other.computeOutput),
        sum);
  }

  /** Inferences per execution; 0 before the first. */
  public double meanBatch() {
    return executions == 0 ? 0 : (double) inferences / executions;
  }
}
