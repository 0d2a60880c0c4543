package dev.nereid.engine;

import java.util.List;

/**
 * What one version of a model did since it was loaded.
 *
 * @param lastInferenceMillis Unix milliseconds of the last request; 0 for none
 * @param inferenceCount the sum of batch sizes
 * @param executionCount executions of the model
 * @param batches by batch size, ascending
 */
public record ModelStatistics(
    String model,
    long version,
    long lastInferenceMillis,
    long inferenceCount,
    long executionCount,
    Phase success,
    Phase fail,
    Phase queue,
    Phase computeInput,
    Phase computeInfer,
    Phase computeOutput,
    Phase cacheHit,
    Phase cacheMiss,
    List<BatchStatistics> batches) {

  /** How often something happened and how long it took in all. */
  public record Phase(long count, long nanos) {
    /** Nothing happened. */
    public static final Phase NONE = new Phase(0, 0);
  }

  /** The executions of one batch size. */
  public record BatchStatistics(
      long batchSize, Phase computeInput, Phase computeInfer, Phase computeOutput) {}
}
