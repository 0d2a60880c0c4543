package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.config.ConfigValidator;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelQueuePolicy;
import dev.nereid.config.proto.ModelQueuePolicy.TimeoutAction;
import dev.nereid.scheduler.BatchRules.Rule;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random policies, arrivals, shapes, priorities, timeouts, deadlines, cancellations, failures and
 * execution times on a fake clock, held against the rules event for event: who is taken, who leaves
 * together and at which nanosecond, who is dropped and what it is told, when an idle instance looks
 * again, and in which order answers leave.
 */
final class BatchSimulationTest {
  private static final int POLICIES_PER_SEED = 80;
  private static final int REQUESTS_PER_POLICY = 100;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4})
  void everyDecisionFollowsTheRulesAndEveryRuleDecides(long seed) {
    Random random = new Random(seed);
    Map<Rule, Integer> used = BatchRules.unused();
    for (int i = 0; i < POLICIES_PER_SEED; i++) {
      ModelConfig config = randomModel(random);
      assertThat(ConfigValidator.problems(config)).isEmpty();
      try (var simulation = new BatchSimulation(config, random, used)) {
        simulation.run(REQUESTS_PER_POLICY);
      } catch (AssertionError e) {
        throw new AssertionError("seed %d, policy %d: %s".formatted(seed, i, config), e);
      }
    }
    assertThat(used).containsOnlyKeys(Rule.values());
  }

  private static ModelConfig randomModel(Random random) {
    int max = random.nextInt(12) == 0 ? 0 : 1 + random.nextInt(12);
    ModelDynamicBatching batching = randomBatching(random, max);
    boolean varies = random.nextBoolean();
    ModelConfig plain = Policies.model(max, varies ? -1 : 2, b -> b.mergeFrom(batching));
    ModelConfig.Builder model = plain.toBuilder().setBackend("onnxruntime");
    if (random.nextInt(12) == 0) {
      model.clearDynamicBatching();
    }
    if (varies && random.nextInt(3) == 0) {
      model.getInputBuilder(0).setAllowRaggedBatch(true);
    }
    if (random.nextInt(4) == 0) {
      model.addInput(input("INPUT1", DataType.TYPE_FP32, varies ? -1 : 2).setOptional(true));
    }
    if (random.nextInt(6) == 0) {
      model.addInput(input("STEER", DataType.TYPE_INT32, 1).setIsShapeTensor(true));
    }
    return model.build();
  }

  private static ModelInput.Builder input(String name, DataType type, long dim) {
    return ModelInput.newBuilder().setName(name).setDataType(type).addDims(dim);
  }

  private static ModelDynamicBatching randomBatching(Random random, int max) {
    ModelDynamicBatching.Builder batching = ModelDynamicBatching.newBuilder();
    for (int size = 1; size <= max; size++) {
      if (random.nextInt(3) == 0) {
        batching.addPreferredBatchSize(size);
      }
    }
    boolean ordered = random.nextInt(3) == 0;
    int levels = random.nextBoolean() ? 0 : 1 + random.nextInt(ordered ? 1 : 3);
    for (int level = 1; level <= levels; level++) {
      if (random.nextBoolean()) {
        batching.putPriorityQueuePolicy(level, randomQueue(random, !ordered));
      }
    }
    return batching
        .setPreserveOrdering(ordered)
        .setMaxQueueDelayMicroseconds(random.nextBoolean() ? 0 : random.nextInt(8_000))
        .setPriorityLevels(levels)
        .setDefaultPriorityLevel(levels == 0 ? 0 : 1 + random.nextInt(levels))
        .setDefaultQueuePolicy(randomQueue(random, !ordered))
        .build();
  }

  private static ModelQueuePolicy randomQueue(Random random, boolean mayDelay) {
    boolean delays = mayDelay && random.nextBoolean();
    return ModelQueuePolicy.newBuilder()
        .setTimeoutAction(delays ? TimeoutAction.DELAY : TimeoutAction.REJECT)
        .setDefaultTimeoutMicroseconds(random.nextBoolean() ? 0 : 500 + random.nextInt(10_000))
        .setAllowTimeoutOverride(random.nextBoolean())
        .setMaxQueueSize(random.nextBoolean() ? 0 : 1 + random.nextInt(20))
        .build();
  }
}
