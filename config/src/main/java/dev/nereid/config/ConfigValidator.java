package dev.nereid.config;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInstanceGroup;
import dev.nereid.config.proto.ModelMetrics.MetricControl;
import dev.nereid.config.proto.ModelVersionPolicy;
import dev.nereid.config.proto.ModelWarmup;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Tells everything that is wrong with a normalised configuration at once. Each problem names field,
 * value and expectation. Thread-safe.
 */
public final class ConfigValidator {
  /** Instances of a model in all; each has a thread of its own. */
  static final int MOST_INSTANCES = 1024;

  /** With an underscore in front it must be a label's name, of which two are reserved. */
  private static final Pattern TAG = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_]*");

  private ConfigValidator() {}

  /** What is wrong, in the schema's order; empty for a valid configuration. */
  public static List<String> problems(ModelConfig config) {
    return problems(config, List.of());
  }

  /**
   * What is wrong, on a machine with these GPUs. Without any, a group on a GPU is not looked at
   * here: whether to refuse it or to move it to the CPU is for the server to decide.
   */
  public static List<String> problems(ModelConfig config, List<Integer> visibleGpus) {
    Problems problems = new Problems();
    problems.unless(!config.getName().isEmpty(), "name", "''", "the name of the model");
    BackendNames.check(config, problems);
    versions(config.getVersionPolicy(), problems);
    problems.unless(
        config.getMaxBatchSize() >= 0, "max_batch_size", config.getMaxBatchSize(), "0 or more");
    TensorRules.check(config, problems);
    SchedulerRules.check(config, problems);
    SequenceRules.check(config, problems);
    EnsembleRules.check(config, problems);
    groups(config, visibleGpus, problems);
    warmups(config, problems);
    cache(config, problems);
    metrics(config, problems);
    return problems.list();
  }

  /**
   * Refuses a configuration that is not valid.
   *
   * @throws FaultException with {@link Fault#INVALID_ARGUMENT} and every problem in its message
   */
  public static void check(ModelConfig config) {
    check(config, List.of());
  }

  /** Refuses a configuration that is not valid on a machine with these GPUs. */
  public static void check(ModelConfig config, List<Integer> visibleGpus) {
    List<String> problems = problems(config, visibleGpus);
    if (!problems.isEmpty()) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "model '" + config.getName() + "': " + String.join("; ", problems));
    }
  }

  private static void versions(ModelVersionPolicy policy, Problems problems) {
    if (policy.hasLatest()) {
      problems.unless(
          policy.getLatest().getNumVersions() != 0,
          "version_policy.latest.num_versions",
          0,
          "1 or more");
    }
    if (policy.hasSpecific()) {
      List<Long> versions = policy.getSpecific().getVersionsList();
      problems.unless(
          !versions.isEmpty() && versions.stream().allMatch(v -> v > 0),
          "version_policy.specific.versions",
          versions,
          "one or more, each 1 or more");
    }
  }

  private static void groups(ModelConfig config, List<Integer> gpus, Problems problems) {
    for (int i = 0; i < config.getInstanceGroupCount(); i++) {
      ModelInstanceGroup group = config.getInstanceGroup(i);
      String at = Problems.element("instance_group", i, group.getName());
      problems.unless(group.getCount() >= 0, at + ".count", group.getCount(), "1 or more");
      if (group.getKind() == ModelInstanceGroup.Kind.KIND_CPU) {
        problems.unless(
            group.getGpusCount() == 0,
            at + ".gpus",
            group.getGpusList(),
            "none, since kind is KIND_CPU");
      } else {
        boolean known = gpus.isEmpty() || gpus.containsAll(group.getGpusList());
        problems.unless(
            known && group.getGpusList().stream().allMatch(gpu -> gpu >= 0),
            at + ".gpus",
            group.getGpusList(),
            gpus.isEmpty() ? "each 0 or more" : "of the GPUs here, which are " + gpus);
      }
    }
    boolean served =
        config.getInstanceGroupCount() == 0
            || config.getInstanceGroupList().stream().anyMatch(group -> !group.getPassive());
    problems.unless(served, "instance_group", "all passive", "one that is not passive");
    long instances =
        config.getInstanceGroupList().stream()
            .mapToLong(group -> Math.max(1, group.getCount()))
            .sum();
    problems.unless(
        instances <= MOST_INSTANCES,
        "instance_group",
        instances + " instances",
        "at most " + MOST_INSTANCES);
  }

  private static void warmups(ModelConfig config, Problems problems) {
    Set<String> inputs = new HashSet<>();
    config.getInputList().forEach(input -> inputs.add(input.getName()));
    config.getSequenceBatching().getControlInputList().forEach(c -> inputs.add(c.getName()));
    config.getSequenceBatching().getStateList().forEach(s -> inputs.add(s.getInputName()));
    for (int i = 0; i < config.getModelWarmupCount(); i++) {
      ModelWarmup warmup = config.getModelWarmup(i);
      String at = Problems.element("model_warmup", i, warmup.getName());
      long most = Math.max(1, config.getMaxBatchSize());
      long size = Integer.toUnsignedLong(warmup.getBatchSize());
      problems.unless(size <= most, at + ".batch_size", size, "at most " + most);
      for (Map.Entry<String, ModelWarmup.Input> entry : warmup.getInputsMap().entrySet()) {
        String field = at + ".inputs['" + entry.getKey() + "']";
        ModelWarmup.Input input = entry.getValue();
        problems.unless(inputs.contains(entry.getKey()), field, "not an input", "one of " + inputs);
        problems.unless(
            TensorRules.isKnown(input.getDataType()),
            field + ".data_type",
            input.getDataType(),
            "a type such as TYPE_FP32");
        problems.unless(
            input.getDimsList().stream().allMatch(dim -> dim > 0),
            field + ".dims",
            input.getDimsList(),
            "each 1 or more");
        problems.unless(
            input.getInputDataTypeCase()
                != ModelWarmup.Input.InputDataTypeCase.INPUTDATATYPE_NOT_SET,
            field,
            "no data",
            "zero_data, random_data or input_data_file");
      }
    }
  }

  private static void cache(ModelConfig config, Problems problems) {
    if (config.getResponseCache().getEnable()) {
      problems.unless(
          !config.hasSequenceBatching(),
          "response_cache.enable",
          true,
          "false with sequence_batching");
      problems.unless(
          !config.getModelTransactionPolicy().getDecoupled(),
          "response_cache.enable",
          true,
          "false with a decoupled model_transaction_policy");
    }
  }

  private static void metrics(ModelConfig config, Problems problems) {
    for (String tag : config.getMetricTagsMap().keySet()) {
      problems.unless(
          TAG.matcher(tag).matches(),
          "metric_tags",
          "'" + tag + "'",
          "a letter or digit, then letters, digits and underscores");
    }
    for (MetricControl control : config.getModelMetrics().getMetricControlList()) {
      List<Double> buckets = control.getHistogramOptions().getBucketsList();
      problems.unless(
          buckets.stream().sorted().distinct().toList().equals(buckets),
          "model_metrics '" + control.getMetricIdentifier().getFamily() + "' buckets",
          buckets,
          "ascending");
    }
  }
}
