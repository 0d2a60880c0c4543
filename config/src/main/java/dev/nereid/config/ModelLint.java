package dev.nereid.config;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelInstanceGroup;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.config.proto.ModelParameter;
import dev.nereid.config.proto.ModelQueuePolicy;
import java.util.ArrayList;
import java.util.List;

/**
 * Tells what is allowed in a configuration and yet likely to surprise: what keeps batches from
 * forming, what has no effect, what costs. Thread-safe.
 */
public final class ModelLint {
  /** A request of a quiet model waits so long for company that somebody will notice. */
  private static final long LONG_DELAY_MICROS = 100_000;

  private final ModelConfig config;
  private final ModelConfig declared;
  private final int cores;
  private final List<String> warnings = new ArrayList<>();

  private ModelLint(ModelConfig config, ModelConfig declared, int cores) {
    this.config = config;
    this.declared = declared;
    this.cores = cores;
  }

  /**
   * The warnings, each with the field it is about and a remedy; empty when there is nothing to say.
   *
   * @param config complete and normalised
   * @param declared what its author wrote, for what is only told of what was chosen, not of
   *     defaults
   * @param cores how many the server may use
   */
  public static List<String> warnings(ModelConfig config, ModelConfig declared, int cores) {
    ModelLint lint = new ModelLint(config, declared, cores);
    if (!ModelSpec.isEnsemble(config)) {
      lint.batchDimension();
      lint.scheduler();
      lint.instances();
    }
    lint.shapes();
    if (config.getOutputCount() == 0) {
      lint.warn("output: none; requests will be answered without a tensor");
    }
    return List.copyOf(lint.warnings);
  }

  private void warn(String text) {
    warnings.add(text);
  }

  private void batchDimension() {
    int max = config.getMaxBatchSize();
    if (max == 0 && allOuter(-1)) {
      warn(
          "max_batch_size: 0, though every tensor's first dimension is free; take that dimension"
              + " out of dims and set max_batch_size, and requests can share a batch");
    } else if (max == 0 && allOuter(1) && allDeep()) {
      warn(
          "max_batch_size: 0, and every tensor's first dimension is fixed to 1; requests run one by"
              + " one unless the model is exported with a free batch dimension");
    }
    long fixed = config.getInputCount() == 0 ? 0 : outer(config.getInput(0).getDimsList());
    if (max == 0 && fixed > 1 && allOuter(fixed) && allDeep()) {
      warn(
          ("max_batch_size: 0, and every tensor's first dimension is fixed to %d; if that is the batch"
                  + " dimension, every request must fill it: export the model with a free one")
              .formatted(fixed));
    }
    if (max > 0 && config.getInputCount() > 0 && allOuter(-1) && allDeep()) {
      warn(
          ("dims: begin with -1 although max_batch_size is %d; if that is the batch dimension, it is"
                  + " there twice")
              .formatted(max));
    }
    if (config.hasDynamicBatching() && max <= 1) {
      warn("dynamic_batching: no batch can form, since max_batch_size is %d".formatted(max));
    }
    if (max > 1 && !config.hasDynamicBatching() && !config.hasSequenceBatching()) {
      warn(
          ("max_batch_size: %d without dynamic_batching { }; requests of different clients never"
                  + " share a batch")
              .formatted(max));
    }
  }

  private boolean allOuter(long dim) {
    return config.getInputCount() + config.getOutputCount() > 0
        && config.getInputList().stream().allMatch(i -> outer(i.getDimsList()) == dim)
        && config.getOutputList().stream().allMatch(o -> outer(o.getDimsList()) == dim);
  }

  private static long outer(List<Long> dims) {
    return dims.isEmpty() ? 0 : dims.getFirst();
  }

  /** Whether every tensor has dimensions below the first, so that the first may be a batch's. */
  private boolean allDeep() {
    return config.getInputList().stream().allMatch(i -> i.getDimsCount() > 1)
        && config.getOutputList().stream().allMatch(o -> o.getDimsCount() > 1);
  }

  private void scheduler() {
    if (!config.hasDynamicBatching()) {
      return;
    }
    ModelDynamicBatching batching = config.getDynamicBatching();
    long delay = batching.getMaxQueueDelayMicroseconds();
    List<Integer> preferred = batching.getPreferredBatchSizeList();
    if (delay == 0
        && !preferred.isEmpty()
        && !List.of(config.getMaxBatchSize()).equals(preferred)) {
      warn(
          ("dynamic_batching.preferred_batch_size: %s, but max_queue_delay_microseconds is 0, so"
                  + " nothing waits for such a size")
              .formatted(preferred));
    }
    int chosen = activeOnCpu(declared);
    if (delay == 0 && chosen > 1) {
      warn(
          ("instance_group: %d instances, and max_queue_delay_microseconds is 0: an idle instance"
                  + " takes a request at once, so batches form only while all are busy; one instance,"
                  + " or a delay of some hundred microseconds, makes larger ones")
              .formatted(chosen));
    }
    if (Long.compareUnsigned(delay, LONG_DELAY_MICROS) >= 0) {
      warn(
          ("dynamic_batching.max_queue_delay_microseconds: %s; a request without company waits that"
                  + " long (a few thousand suffice where an execution takes milliseconds)")
              .formatted(Long.toUnsignedString(delay)));
    }
    queue("default_queue_policy", batching.getDefaultQueuePolicy(), batching);
    batching
        .getPriorityQueuePolicyMap()
        .forEach(
            (level, policy) -> queue("priority_queue_policy[" + level + "]", policy, batching));
  }

  private void queue(String name, ModelQueuePolicy policy, ModelDynamicBatching batching) {
    String at = "dynamic_batching." + name;
    long timeout = policy.getDefaultTimeoutMicroseconds();
    if (timeout != 0
        && Long.compareUnsigned(timeout, batching.getMaxQueueDelayMicroseconds()) <= 0) {
      warn(
          ("%s.default_timeout_microseconds: %s is not above max_queue_delay_microseconds, %s, so"
                  + " that requests expire while they wait for company")
              .formatted(
                  at,
                  Long.toUnsignedString(timeout),
                  Long.toUnsignedString(batching.getMaxQueueDelayMicroseconds())));
    }
    long size = Integer.toUnsignedLong(policy.getMaxQueueSize());
    if (size != 0 && size < config.getMaxBatchSize()) {
      warn(
          ("%s.max_queue_size: %d is below max_batch_size, %d, so that single requests never fill a"
                  + " batch")
              .formatted(at, size, config.getMaxBatchSize()));
    }
    for (int preferred : batching.getPreferredBatchSizeList()) {
      if (size != 0 && preferred > size) {
        warn(
            ("dynamic_batching.preferred_batch_size: %d is never reached by single requests, since"
                    + " %s.max_queue_size is %d")
                .formatted(preferred, at, size));
      }
    }
    if (policy.getAllowTimeoutOverride() && timeout == 0) {
      warn(
          ("%s.allow_timeout_override: no effect while default_timeout_microseconds is 0; a request"
                  + " can only shorten a timeout")
              .formatted(at));
    }
  }

  private void shapes() {
    boolean batches = config.hasDynamicBatching() && config.getMaxBatchSize() > 1;
    for (ModelInput input : config.getInputList()) {
      boolean free = input.getDimsList().contains(-1L);
      if (input.getAllowRaggedBatch() && config.getMaxBatchSize() == 0) {
        warn(
            "input '%s'.allow_ragged_batch: no effect, since max_batch_size is 0"
                .formatted(input.getName()));
      } else if (input.getAllowRaggedBatch() && !free) {
        warn(
            "input '%s'.allow_ragged_batch: no effect, since its dims are fixed"
                .formatted(input.getName()));
      } else if (batches && free && !input.getAllowRaggedBatch()) {
        warn(
            ("input '%s'.dims: %s are free, so only requests of equal shape share a batch; pad to"
                    + " one shape in the client, or set allow_ragged_batch if the model can take it")
                .formatted(input.getName(), input.getDimsList()));
      }
      if (batches && input.getIsShapeTensor()) {
        warn(
            "input '%s'.is_shape_tensor: only requests that give it the same values share a batch"
                .formatted(input.getName()));
      }
      if (batches && input.getOptional()) {
        warn(
            ("input '%s'.optional: only requests that all give it, or all leave it out, share a"
                    + " batch")
                .formatted(input.getName()));
      }
    }
    for (ModelOutput output : config.getOutputList()) {
      if (output.getLabelFilename().isEmpty() || !output.getDimsList().contains(-1L)) {
        continue;
      }
      warn(
          "output '%s'.label_filename: dims %s are free; label and class may not correspond"
              .formatted(output.getName(), output.getDimsList()));
    }
  }

  private void instances() {
    int onCpu = activeOnCpu(config);
    int threads = Math.max(1, threads());
    if (onCpu > cores) {
      warn(
          ("instance_group: %d instances on the CPU, but the server has %d cores; more instances"
                  + " than cores cost memory and win no time")
              .formatted(onCpu, cores));
    } else if ((long) onCpu * threads > cores) {
      warn(
          "instance_group: %d instances of %d threads each, but the server has %d cores"
              .formatted(onCpu, threads, cores));
    }
  }

  private static int activeOnCpu(ModelConfig config) {
    int onCpu = 0;
    for (ModelInstanceGroup group : config.getInstanceGroupList()) {
      boolean elsewhere = group.getKind() == ModelInstanceGroup.Kind.KIND_GPU;
      if (!elsewhere && !group.getPassive()) {
        onCpu += group.getCount();
      }
    }
    return onCpu;
  }

  private int threads() {
    String text =
        config
            .getParametersOrDefault("intra_op_thread_count", ModelParameter.getDefaultInstance())
            .getStringValue();
    return text.matches("\\d{1,6}") ? Integer.parseInt(text) : 1;
  }
}
