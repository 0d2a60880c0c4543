package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInstanceGroup;
import dev.nereid.config.proto.ModelRateLimiter;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Models that share one unit of a resource. */
final class LimitedSchedulerTest {
  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final RateLimiter limiter =
      new RateLimiter(List.of(new RateLimiter.Resource("R", 1, null)));
  private final List<RecordingReply> replies = new ArrayList<>();

  @AfterEach
  void everythingIsGivenBack() {
    replies.forEach(RecordingReply::close);
    assertThat(pool.openLeases()).isZero();
    pool.close();
  }

  private BatchingScheduler scheduler(GatedModel model, int units, long delayMicros) {
    ModelConfig config =
        Policies.model(8, 2, b -> b.setMaxQueueDelayMicroseconds(delayMicros)).toBuilder()
            .addInstanceGroup(
                ModelInstanceGroup.newBuilder()
                    .setName("g")
                    .setRateLimiter(
                        ModelRateLimiter.newBuilder()
                            .addResources(
                                ModelRateLimiter.Resource.newBuilder()
                                    .setName("R")
                                    .setCount(units))))
            .build();
    return BatchingScheduler.start(
        new SchedulerSetup(
            config,
            1,
            model,
            List.of(new Placement("g", 0, Placement.CPU), new Placement("g", 1, Placement.CPU)),
            pool,
            Ticker.system(),
            new ExecutionStatistics("m", 1),
            limiter,
            _ -> {}));
  }

  private RecordingReply send(BatchingScheduler scheduler) {
    InferRequest request = request();
    scheduler.submit(List.of(request));
    return (RecordingReply) request.reply();
  }

  private InferRequest request() {
    Tensor input = new TestTensors(pool).floats("INPUT0", Shape.of(1, 2), 1, 2);
    var reply = new RecordingReply();
    replies.add(reply);
    return TestTensors.request(reply, input);
  }

  @Test
  void onlyWhoHoldsTheResourceExecutesAndWhatWaitsGrowsIntoABatch() throws InterruptedException {
    GatedModel one = new GatedModel(0);
    GatedModel other = new GatedModel(0);
    try (var first = scheduler(one, 1, 0);
        var second = scheduler(other, 1, 0)) {
      send(first);
      one.begun.acquire();
      List<RecordingReply> waiting = IntStream.range(0, 5).mapToObj(_ -> send(second)).toList();
      send(first);
      assertThat(other.begun.tryAcquire()).isFalse();
      assertThat(second.pending()).isEqualTo(5);
      other.gate.release(10);
      one.gate.release(10);
      waiting.forEach(RecordingReply::response);
      assertThat(other.sizes).containsExactly(5);
    }
  }

  @Test
  void cancelledRequestsAreDroppedWhileTheResourceIsAwaited() throws InterruptedException {
    GatedModel one = new GatedModel(0);
    GatedModel other = new GatedModel(10);
    try (var first = scheduler(one, 1, 0);
        var second = scheduler(other, 1, 0)) {
      send(first);
      one.begun.acquire();
      InferRequest cancelled = request();
      second.submit(List.of(cancelled));
      cancelled.cancel();
      second.sweep();
      assertThat(replies.getLast().failure().fault()).isEqualTo(Fault.CANCELLED);
      one.gate.release(10);
      send(second).response();
      send(first).response();
      assertThat(other.sizes).containsExactly(1);
    }
  }

  @Test
  void whoWaitsForABatchToFillHoldsNothing() {
    GatedModel patient = new GatedModel(10);
    GatedModel prompt = new GatedModel(10);
    try (var first = scheduler(patient, 1, 60_000_000);
        var second = scheduler(prompt, 1, 0)) {
      send(first);
      send(second).response();
      first.submit(IntStream.range(0, 7).mapToObj(_ -> request()).toList());
      replies.forEach(RecordingReply::response);
      assertThat(patient.sizes).containsExactly(8);
    }
  }

  @Test
  void aModelIsClosedWhileItWaitsForTheResource() throws InterruptedException {
    GatedModel one = new GatedModel(0);
    GatedModel other = new GatedModel(10);
    try (var first = scheduler(one, 1, 0)) {
      send(first);
      one.begun.acquire();
      var second = scheduler(other, 1, 0);
      RecordingReply waits = send(second);
      second.close();
      assertThat(waits.failure().fault()).isEqualTo(Fault.NOT_READY);
      assertThat(other.closed).isTrue();
      one.gate.release(10);
      send(first).response();
    }
  }

  @Test
  void whatCanNeverRunIsRefusedAndClosed() {
    GatedModel model = new GatedModel(0);
    assertThatThrownBy(() -> scheduler(model, 2, 0).close())
        .hasMessageContaining("Resource count for \"R\" is limited to 1");
    assertThat(model.closed).isTrue();
  }

  @Test
  void aPassiveInstanceIsMadeAndClosedAndNeverExecutes() {
    GatedModel model = new GatedModel(100);
    ModelConfig config = Policies.model(8, 2, b -> b);
    var placements =
        List.of(new Placement("g", 0, Placement.CPU), new Placement("p", 1, Placement.CPU, true));
    try (var scheduler =
        BatchingScheduler.start(
            new SchedulerSetup(
                config,
                1,
                model,
                placements,
                pool,
                Ticker.system(),
                new ExecutionStatistics("m", 1)))) {
      for (int i = 0; i < 20; i++) {
        send(scheduler).response();
      }
      assertThat(model.made.get()).isEqualTo(2);
      assertThat(model.executors).hasSize(1);
    }
    assertThat(model.closedInstances.get()).isEqualTo(2);
  }
}
