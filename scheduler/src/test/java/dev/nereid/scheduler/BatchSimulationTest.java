package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelQueuePolicy;
import dev.nereid.config.proto.ModelQueuePolicy.TimeoutAction;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random policies, arrivals, shapes, priorities, timeouts, cancellations and execution times on a
 * fake clock. Every decision of the batcher is held against an oracle that states the rules over
 * the plain list of waiting requests, without the queue's and the former's bookkeeping.
 */
final class BatchSimulationTest {
  private static final int POLICIES_PER_SEED = 60;
  private static final int REQUESTS_PER_POLICY = 150;

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
  void everyDecisionFollowsTheRules(long seed) {
    Random random = new Random(seed);
    for (int i = 0; i < POLICIES_PER_SEED; i++) {
      new Simulation(random).run();
    }
  }

  private static ModelConfig randomModel(Random random) {
    int max = 1 + random.nextInt(12);
    List<Integer> preferred = new ArrayList<>();
    for (int size = 1; size <= max; size++) {
      if (random.nextInt(3) == 0) {
        preferred.add(size);
      }
    }
    int levels = random.nextBoolean() ? 0 : 1 + random.nextInt(3);
    var queue =
        ModelQueuePolicy.newBuilder()
            .setTimeoutAction(random.nextBoolean() ? TimeoutAction.REJECT : TimeoutAction.DELAY)
            .setDefaultTimeoutMicroseconds(random.nextBoolean() ? 0 : 500 + random.nextInt(20_000))
            .setAllowTimeoutOverride(random.nextBoolean())
            .setMaxQueueSize(random.nextBoolean() ? 0 : 1 + random.nextInt(20));
    return Policies.model(
        max,
        random.nextBoolean() ? 2 : -1,
        b ->
            b.addAllPreferredBatchSize(preferred)
                .setMaxQueueDelayMicroseconds(random.nextBoolean() ? 0 : random.nextInt(8_000))
                .setPriorityLevels(levels)
                .setDefaultPriorityLevel(levels == 0 ? 0 : 1 + random.nextInt(levels))
                .setDefaultQueuePolicy(queue));
  }

  /** One policy under one load. */
  private static final class Simulation {
    private final Random random;
    private final FormerFixture fixture;
    private final BatchingPolicy policy;
    private final boolean shapesVary;
    private final List<Queued> waiting = new ArrayList<>();
    private final List<Queued> delayed = new ArrayList<>();
    private final PriorityQueue<Long> busyUntil = new PriorityQueue<>();
    private final int instances;
    private int accepted;
    private int refused;
    private int ended;

    Simulation(Random random) {
      this.random = random;
      ModelConfig config = randomModel(random);
      fixture = new FormerFixture(config);
      policy = fixture.policy;
      shapesVary = config.getInput(0).getDims(0) == -1;
      instances = 1 + random.nextInt(3);
    }

    void run() {
      try (fixture) {
        for (int i = 0; i < REQUESTS_PER_POLICY; i++) {
          fixture.ticker.advance(Duration.ofNanos((long) (random.nextExponential() * 700_000)));
          arrive();
          step();
        }
        for (int i = 0; !waiting.isEmpty() && i < 10_000; i++) {
          fixture.ticker.advance(Duration.ofMillis(1));
          step();
        }
        assertThat(waiting).as("nobody waits for ever").isEmpty();
        assertThat(ended).isEqualTo(accepted);
        assertThat(accepted + refused).isEqualTo(REQUESTS_PER_POLICY);
      }
    }

    private void arrive() {
      int rows = 1 + random.nextInt(Math.max(1, policy.maxBatchSize() / 3));
      int dim = shapesVary ? 1 + random.nextInt(2) : 2;
      Queued queued =
          fixture.arrive(rows, dim, random.nextInt(5), random.nextInt(4) == 0 ? 300 : 0);
      long inLevel = waiting.stream().filter(each -> each.level == queued.level).count();
      long limit = policy.queueOf(queued.level).maxSize();
      assertThat(fixture.add(queued)).isEqualTo(limit == 0 || inLevel < limit);
      if (limit == 0 || inLevel < limit) {
        waiting.add(queued);
        accepted++;
      } else {
        refused++;
      }
      if (random.nextInt(20) == 0 && !waiting.isEmpty()) {
        waiting.get(random.nextInt(waiting.size())).request.cancel();
      }
    }

    /** Lets every idle instance take what it may. */
    private void step() {
      long now = fixture.ticker.nanos();
      while (!busyUntil.isEmpty() && busyUntil.peek() <= now) {
        busyUntil.poll();
      }
      while (busyUntil.size() < instances) {
        List<Queued> alive = oracleOrder(now);
        int expected = oracleTake(alive, now);
        fixture.dropped.clear();
        BatchFormer.Decision decision = fixture.next();
        rememberDelayed();
        fixture.dropped.forEach(dropped -> end(dropped.queued()));
        if (expected == 0) {
          assertThat(decision).isNotInstanceOf(BatchFormer.Decision.Run.class);
          assertThat(decision instanceof BatchFormer.Decision.Idle).isEqualTo(alive.isEmpty());
          checkWait(decision, alive, now);
          return;
        }
        List<Queued> batch = ((BatchFormer.Decision.Run) decision).requests();
        assertThat(batch).containsExactlyElementsOf(alive.subList(0, expected));
        batch.forEach(this::end);
        busyUntil.add(now + (long) (random.nextExponential() * 2_000_000));
      }
    }

    private void end(Queued queued) {
      assertThat(waiting.remove(queued)).as("each request ends once").isTrue();
      ended++;
    }

    private void checkWait(BatchFormer.Decision decision, List<Queued> alive, long now) {
      if (decision instanceof BatchFormer.Decision.Wait(long nanos, int rows)) {
        long oldest = alive.stream().mapToLong(each -> each.queuedNanos).min().orElseThrow();
        assertThat(nanos).isPositive().isLessThanOrEqualTo(oldest + policy.maxDelayNanos() - now);
        assertThat(rows).isGreaterThan(alive.stream().mapToInt(each -> each.rows).sum());
      }
    }

    /** Who may run, in the order in which they may. */
    private List<Queued> oracleOrder(long now) {
      return waiting.stream()
          .filter(each -> !each.request.isCancelled())
          .filter(each -> !rejects(each, now))
          .sorted(
              Comparator.comparingLong((Queued each) -> each.level)
                  .thenComparing(each -> each.timeoutNanos <= now || each.delayed)
                  .thenComparingLong(this::delayedOrder))
          .toList();
    }

    /** Fresh ones as they came; behind them the delayed ones, in the order they were put there. */
    private long delayedOrder(Queued each) {
      int at = delayed.indexOf(each);
      return at < 0 ? REQUESTS_PER_POLICY + each.sequence : at;
    }

    private void rememberDelayed() {
      waiting.stream()
          .filter(each -> each.delayed && !delayed.contains(each))
          .sorted(Comparator.comparingLong(each -> each.sequence))
          .forEach(delayed::add);
    }

    private boolean rejects(Queued each, long now) {
      return each.timeoutNanos <= now
          && !each.delayed
          && !policy.queueOf(each.level).delayOnTimeout();
    }

    /** How many of them go now: the rules of 6.2, over the list. */
    private int oracleTake(List<Queued> alive, long now) {
      int rows = 0;
      int mark = 0;
      int met = 0;
      boolean cut = false;
      long oldest = Long.MAX_VALUE;
      for (Queued each : alive) {
        if (met > 0) {
          if (rows + each.rows > policy.largestPreferred() && mark == 0) {
            mark = met;
          }
          if (rows + each.rows > policy.maxBatchSize() || !sameShape(alive.getFirst(), each)) {
            cut = true;
            break;
          }
        }
        rows += each.rows;
        met++;
        oldest = Math.min(oldest, each.queuedNanos);
        if (policy.preferred().contains(rows)) {
          mark = met;
        }
      }
      boolean delays = policy.maxDelayNanos() > 0;
      boolean expired = delays && met > 0 && now - oldest >= policy.maxDelayNanos();
      if (mark > 0 && !expired) {
        return mark;
      }
      return cut || rows >= policy.largestPreferred() || expired || !delays ? met : 0;
    }

    private static boolean sameShape(Queued a, Queued b) {
      return a.request.inputs().getFirst().shape().dim(1)
          == b.request.inputs().getFirst().shape().dim(1);
    }
  }
}
