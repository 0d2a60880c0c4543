package dev.nereid.config;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInstanceGroup;
import dev.nereid.config.proto.ModelInstanceGroup.Kind;
import dev.nereid.config.proto.ModelOptimizationPolicy;
import dev.nereid.config.proto.ModelOptimizationPolicy.PinnedMemoryBuffer;
import dev.nereid.config.proto.ModelSequenceBatching;
import dev.nereid.config.proto.ModelVersionPolicy;
import dev.nereid.config.proto.ModelVersionPolicy.PolicyChoiceCase;
import java.util.List;

/**
 * Puts defaults in the place of what a configuration leaves out, so that whoever reads it later
 * finds every decision written down. What was written is never changed; doing it twice changes
 * nothing.
 */
public final class ConfigNormaliser {
  private static final long DEFAULT_SEQUENCE_IDLE_MICROS = 1_000_000;

  private static final PinnedMemoryBuffer PINNED =
      PinnedMemoryBuffer.newBuilder().setEnable(true).build();

  /**
   * What the machine and the back end put in where a configuration is silent.
   *
   * @param gpuAvailable whether this machine and the model's back end can run on a GPU
   * @param defaultModelFilename the back end's usual file; empty for none
   * @param defaultCpuInstances instances of a CPU group that gives no count
   * @param gpus the devices of a GPU group that lists none
   */
  public record Defaults(
      boolean gpuAvailable,
      String defaultModelFilename,
      int defaultCpuInstances,
      List<Integer> gpus) {
    public Defaults {
      if (defaultCpuInstances < 1) {
        throw new IllegalArgumentException(
            "defaultCpuInstances: " + defaultCpuInstances + " (expected: 1 or more)");
      }
      gpus = List.copyOf(gpus);
    }

    /** Defaults for a machine without a GPU, or with one only. */
    public Defaults(boolean gpuAvailable, String defaultModelFilename, int defaultCpuInstances) {
      this(
          gpuAvailable,
          defaultModelFilename,
          defaultCpuInstances,
          gpuAvailable ? List.of(0) : List.of());
    }
  }

  private ConfigNormaliser() {}

  /** The configuration with every default in place. */
  public static ModelConfig normalise(ModelConfig config, Defaults defaults) {
    ModelConfig.Builder result = config.toBuilder();
    if (config.getVersionPolicy().getPolicyChoiceCase() == PolicyChoiceCase.POLICYCHOICE_NOT_SET) {
      result.setVersionPolicy(
          ModelVersionPolicy.newBuilder()
              .setLatest(ModelVersionPolicy.Latest.newBuilder().setNumVersions(1)));
    }
    if (config.hasDynamicBatching()
        && config.getDynamicBatching().getPreferredBatchSizeCount() == 0
        && config.getMaxBatchSize() > 0) {
      result.getDynamicBatchingBuilder().addPreferredBatchSize(config.getMaxBatchSize());
    }
    if (config.hasSequenceBatching()) {
      normalise(result.getSequenceBatchingBuilder(), config.getMaxBatchSize());
    }
    if (!ModelSpec.isEnsemble(config)) {
      result.setOptimization(pinned(config.getOptimization()));
      groups(result, defaults);
      if (config.getDefaultModelFilename().isEmpty()) {
        result.setDefaultModelFilename(defaults.defaultModelFilename);
      }
    }
    return result.build();
  }

  private static void normalise(ModelSequenceBatching.Builder sequences, int maxBatchSize) {
    if (sequences.getMaxSequenceIdleMicroseconds() == 0) {
      sequences.setMaxSequenceIdleMicroseconds(DEFAULT_SEQUENCE_IDLE_MICROS);
    }
    if (sequences.hasOldest()
        && sequences.getOldest().getPreferredBatchSizeCount() == 0
        && maxBatchSize > 0) {
      sequences.getOldestBuilder().addPreferredBatchSize(maxBatchSize);
    }
  }

  private static ModelOptimizationPolicy pinned(ModelOptimizationPolicy policy) {
    ModelOptimizationPolicy.Builder result = policy.toBuilder();
    if (!policy.hasInputPinnedMemory()) {
      result.setInputPinnedMemory(PINNED);
    }
    if (!policy.hasOutputPinnedMemory()) {
      result.setOutputPinnedMemory(PINNED);
    }
    return result.build();
  }

  private static void groups(ModelConfig.Builder config, Defaults defaults) {
    if (config.getInstanceGroupCount() == 0) {
      config.addInstanceGroup(ModelInstanceGroup.newBuilder().setName(config.getName()));
    }
    for (int i = 0; i < config.getInstanceGroupCount(); i++) {
      ModelInstanceGroup.Builder group = config.getInstanceGroupBuilder(i);
      if (group.getName().isEmpty()) {
        group.setName(config.getName() + "_" + i);
      }
      if (group.getKind() == Kind.KIND_AUTO) {
        boolean gpu = defaults.gpuAvailable || group.getGpusCount() > 0;
        group.setKind(gpu ? Kind.KIND_GPU : Kind.KIND_CPU);
      }
      if (group.getKind() == Kind.KIND_GPU && group.getGpusCount() == 0) {
        group.addAllGpus(defaults.gpus);
      }
      if (group.getCount() == 0) {
        group.setCount(group.getKind() == Kind.KIND_CPU ? defaults.defaultCpuInstances : 1);
      }
    }
  }
}
