package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.config.proto.ModelQueuePolicy;
import dev.nereid.config.proto.ModelQueuePolicy.TimeoutAction;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Each rule of the dynamic batcher on its own, on a clock that stands still. */
final class BatchFormerTest {
  private static final Duration DELAY = Duration.ofMillis(100);

  private static ModelConfig delayed(Integer... preferred) {
    return Policies.model(
        8,
        2,
        b -> b.addAllPreferredBatchSize(List.of(preferred)).setMaxQueueDelayMicroseconds(100_000));
  }

  private static ModelConfig plain(Integer... preferred) {
    return Policies.model(8, 2, b -> b.addAllPreferredBatchSize(List.of(preferred)));
  }

  @Test
  void withoutDelayWhateverIsQueuedGoesUpToTheMaximum() {
    try (var queue = new FormerFixture(plain())) {
      assertThat(queue.add(1, 1, 1).run()).containsExactly(1, 1, 1);
      assertThat(queue.add(1, 1, 1, 1, 1, 1, 1, 1, 1, 1).run()).hasSize(8);
      assertThat(queue.run()).hasSize(2);
      assertThat(queue.next()).isInstanceOf(BatchFormer.Decision.Idle.class);
    }
  }

  @Test
  void withDelayAFullBatchIsAwaitedUntilTheOldestWaitedLongEnough() {
    try (var queue = new FormerFixture(delayed(8))) {
      queue.add(1, 1, 1);
      assertThat(queue.next()).isEqualTo(new BatchFormer.Decision.Wait(DELAY.toNanos(), 8));
      queue.ticker.advance(Duration.ofMillis(60));
      queue.add(1);
      assertThat(queue.next())
          .isEqualTo(new BatchFormer.Decision.Wait(Duration.ofMillis(40).toNanos(), 8));
      queue.ticker.advance(Duration.ofMillis(40));
      assertThat(queue.run()).containsExactly(1, 1, 1, 1);
    }
  }

  @Test
  void aFullBatchDoesNotWait() {
    try (var queue = new FormerFixture(delayed(8))) {
      assertThat(queue.add(4, 3, 1).run()).containsExactly(4, 3, 1);
    }
  }

  @Test
  void sixWaitingWithPreferredFourAndEightSendFour() {
    try (var queue = new FormerFixture(delayed(4, 8))) {
      assertThat(queue.add(1, 1, 1, 1, 1, 1).run()).hasSize(4);
      assertThat(queue.next()).isInstanceOf(BatchFormer.Decision.Wait.class);
    }
  }

  @Test
  void sixWaitingWithPreferredFourAndEightSendSixWhenTheDelayIsOver() {
    try (var queue = new FormerFixture(delayed(4, 8))) {
      queue.add(1, 1, 1, 1, 1, 1);
      queue.ticker.advance(DELAY);
      assertThat(queue.run()).hasSize(6);
    }
  }

  @Test
  void theLargestPreferredSizeReachedWins() {
    try (var queue = new FormerFixture(delayed(2, 4))) {
      assertThat(queue.add(1, 1, 1, 1).run()).hasSize(4);
      assertThat(queue.add(2, 1, 1).run()).containsExactly(2, 1, 1);
      assertThat(queue.add(3, 2).run())
          .as("overflowing the largest ends before it")
          .containsExactly(3);
    }
  }

  @Test
  void aRequestAboveEveryPreferredSizeIsItsOwnBatch() {
    try (var queue = new FormerFixture(delayed(2, 4))) {
      assertThat(queue.add(6, 1).run()).containsExactly(6);
    }
    try (var queue = new FormerFixture(delayed(2, 4))) {
      assertThat(queue.add(6).run()).containsExactly(6);
    }
  }

  @Test
  void anotherShapeEndsTheBatchAtOnce() {
    try (var queue = new FormerFixture(Policies.model(8, -1, b -> b))) {
      queue.add(queue.arrive(1, 2, 0, 0));
      queue.add(queue.arrive(1, 2, 0, 0));
      queue.add(queue.arrive(1, 3, 0, 0));
      queue.add(queue.arrive(1, 2, 0, 0));
      assertThat(queue.runIds()).containsExactly("0", "1");
      assertThat(queue.runIds()).containsExactly("2");
      assertThat(queue.runIds()).containsExactly("3");
    }
  }

  @Test
  void raggedInputsOfAnyShapeShareABatch() {
    ModelConfig config = Policies.model(8, -1, b -> b);
    ModelConfig ragged =
        config.toBuilder()
            .setInput(0, config.getInput(0).toBuilder().setAllowRaggedBatch(true))
            .build();
    try (var queue = new FormerFixture(ragged)) {
      queue.add(queue.arrive(1, 2, 0, 0));
      queue.add(queue.arrive(1, 3, 0, 0));
      assertThat(queue.runIds()).containsExactly("0", "1");
    }
  }

  @Test
  void withoutDynamicBatchingEveryRequestGoesAlone() {
    ModelConfig config = plain().toBuilder().clearDynamicBatching().build();
    try (var queue = new FormerFixture(config)) {
      queue.add(1, 1);
      assertThat(queue.run()).containsExactly(1);
      assertThat(queue.run()).containsExactly(1);
    }
  }

  @Test
  void lowerLevelsGoFirstAndAnUnknownPriorityIsTheDefault() {
    try (var queue =
        new FormerFixture(
            Policies.model(2, 2, b -> b.setPriorityLevels(3).setDefaultPriorityLevel(2)))) {
      queue.add(queue.arrive(1, 2, 3, 0));
      queue.add(queue.arrive(1, 2, 0, 0));
      queue.add(queue.arrive(1, 2, 99, 0));
      queue.add(queue.arrive(1, 2, 1, 0));
      assertThat(queue.runIds()).containsExactly("3", "1");
      assertThat(queue.runIds()).containsExactly("2", "0");
    }
  }

  @Test
  void theLastPriorityGoesBehindTheDefaultHoweverManyLevelsThereAre() {
    try (var queue =
        new FormerFixture(
            Policies.model(2, 2, b -> b.setPriorityLevels(3).setDefaultPriorityLevel(2)))) {
      queue.add(queue.arrive(1, 2, InferRequest.LAST_PRIORITY, 0));
      queue.add(queue.arrive(1, 2, 0, 0));
      queue.add(queue.arrive(1, 2, 1, 0));
      assertThat(queue.runIds()).containsExactly("2", "1");
      assertThat(queue.runIds()).containsExactly("0");
    }
  }

  @Test
  void expiredRequestsAreRefusedOrGoBehindTheOthers() {
    try (var queue = new FormerFixture(timed(TimeoutAction.REJECT))) {
      queue.add(1, 1);
      queue.ticker.advance(Duration.ofMillis(10));
      queue.add(1);
      assertThat(queue.runIds()).containsExactly("2");
      assertThat(queue.dropped).hasSize(2);
      assertThat(queue.dropped.getFirst().failure())
          .isEqualTo(Fault.QUEUE_TIMEOUT.with("Request timeout expired"));
    }
    try (var queue = new FormerFixture(timed(TimeoutAction.DELAY))) {
      queue.add(1, 1);
      queue.ticker.advance(Duration.ofMillis(10));
      queue.add(1);
      assertThat(queue.runIds()).containsExactly("2", "0", "1");
      assertThat(queue.dropped).isEmpty();
    }
  }

  @Test
  void aRequestMayShortenItsTimeoutButNotLengthenIt() {
    try (var queue = new FormerFixture(timed(TimeoutAction.REJECT))) {
      long now = queue.ticker.nanos();
      assertThat(queue.arrive(1, 2, 0, 4_000).timeoutNanos - now).isEqualTo(4_000_000);
      assertThat(queue.arrive(1, 2, 0, 40_000).timeoutNanos - now).isEqualTo(10_000_000);
    }
    try (var queue = new FormerFixture(plain())) {
      assertThat(queue.arrive(1, 2, 0, 4_000).timeoutNanos)
          .as("a default of 0 never applies a request's own timeout")
          .isEqualTo(Long.MAX_VALUE);
    }
  }

  @Test
  void aFullLevelRefusesAndCountsTheDelayedToo() {
    ModelConfig config =
        Policies.model(
            8,
            2,
            b ->
                b.setDefaultQueuePolicy(
                    ModelQueuePolicy.newBuilder()
                        .setMaxQueueSize(2)
                        .setTimeoutAction(TimeoutAction.DELAY)
                        .setDefaultTimeoutMicroseconds(10_000)));
    try (var queue = new FormerFixture(config)) {
      assertThat(queue.add(queue.arrive(1))).isTrue();
      assertThat(queue.add(queue.arrive(1))).isTrue();
      assertThat(queue.add(queue.arrive(1))).isFalse();
      assertThat(queue.run()).hasSize(2);
      assertThat(queue.add(queue.arrive(1))).isTrue();
    }
  }

  @Test
  void aWaitEndsWithTheNearestTimeout() {
    ModelConfig config =
        Policies.model(
            8, 2, b -> timeouts(b, TimeoutAction.REJECT).setMaxQueueDelayMicroseconds(100_000));
    try (var queue = new FormerFixture(config)) {
      queue.add(1);
      assertThat(queue.next())
          .isEqualTo(new BatchFormer.Decision.Wait(Duration.ofMillis(10).toNanos(), 8));
    }
  }

  @Test
  void cancelledAndOverdueRequestsNeverRun() {
    try (var queue = new FormerFixture(plain())) {
      Queued first = queue.arrive(1);
      queue.add(first);
      queue.add(1);
      first.request.cancel();
      assertThat(queue.runIds()).containsExactly("1");
      assertThat(queue.dropped.getFirst().failure().fault()).isEqualTo(Fault.CANCELLED);
    }
  }

  private static ModelConfig timed(TimeoutAction action) {
    return Policies.model(8, 2, b -> timeouts(b, action));
  }

  private static ModelDynamicBatching.Builder timeouts(
      ModelDynamicBatching.Builder batching, TimeoutAction action) {
    return batching.setDefaultQueuePolicy(
        ModelQueuePolicy.newBuilder()
            .setTimeoutAction(action)
            .setDefaultTimeoutMicroseconds(10_000)
            .setAllowTimeoutOverride(true));
  }
}
