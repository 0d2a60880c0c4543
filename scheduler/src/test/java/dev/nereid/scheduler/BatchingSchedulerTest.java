package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.config.proto.ModelQueuePolicy;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The scheduler with its own threads, on a model whose executions the test lets go one by one. */
final class BatchingSchedulerTest {
  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final List<RecordingReply> replies = new ArrayList<>();
  private final ExecutionStatistics statistics = new ExecutionStatistics("m", 1);
  private final GatedModel model = new GatedModel(0);

  @AfterEach
  void everythingIsGivenBack() {
    replies.forEach(RecordingReply::close);
    assertThat(pool.openLeases()).as("leases still open").isZero();
    pool.close();
  }

  private BatchingScheduler scheduler(
      int instances, UnaryOperator<ModelDynamicBatching.Builder> batching) {
    ModelConfig config = Policies.model(8, 2, batching);
    List<Placement> placements =
        IntStream.range(0, instances).mapToObj(i -> new Placement("g", i, -1)).toList();
    return BatchingScheduler.start(
        new SchedulerSetup(config, 1, model, placements, pool, Ticker.system(), statistics));
  }

  private InferRequest request(String id, long priority) {
    Tensor input = new TestTensors(pool).floats("INPUT0", Shape.of(1, 2), 1, 2);
    var reply = new RecordingReply();
    replies.add(reply);
    var call =
        new InferRequest.Call(
            "m", -1, id, Map.of(), List.of(), priority, 0, System.nanoTime(), Long.MAX_VALUE);
    return new InferRequest(call, List.of(input), List.of(input.lease()), reply);
  }

  private List<InferRequest> requests(int count) {
    return IntStream.range(0, count).mapToObj(i -> request(Integer.toString(i), 0)).toList();
  }

  /** Occupies the only instance with one request, so that what follows queues. */
  private void occupy(BatchingScheduler scheduler) throws InterruptedException {
    scheduler.submit(List.of(request("first", 0)));
    model.begun.acquire();
  }

  @Test
  void whatQueuesWhileTheInstanceIsBusyRunsTogether() throws InterruptedException {
    try (var scheduler = scheduler(1, b -> b)) {
      occupy(scheduler);
      scheduler.submit(requests(11));
      assertThat(scheduler.pending()).isEqualTo(11);
      model.gate.release(10);
      replies.forEach(RecordingReply::response);
      assertThat(model.sizes).containsExactly(1, 8, 3);
      assertThat(statistics.snapshot().executions()).isEqualTo(3);
      assertThat(statistics.snapshot().inferences()).isEqualTo(12);
      assertThat(statistics.snapshot().batches().stream().map(b -> b.batchSize()))
          .containsExactly(1, 3, 8);
    }
    assertThat(model.closed).isTrue();
  }

  @Test
  void aThousandCancelledRequestsCauseNoExecution() throws InterruptedException {
    try (var scheduler = scheduler(1, b -> b)) {
      occupy(scheduler);
      List<InferRequest> cancelled = requests(1000);
      scheduler.submit(cancelled);
      cancelled.forEach(InferRequest::cancel);
      scheduler.sweep();
      assertThat(scheduler.pending()).isZero();
      replies
          .subList(1, 1001)
          .forEach(r -> assertThat(r.failure().fault()).isEqualTo(Fault.CANCELLED));
      model.gate.release(1);
      replies.getFirst().response();
      assertThat(model.sizes).containsExactly(1);
      assertThat(statistics.snapshot().fail().count()).isEqualTo(1000);
    }
  }

  @Test
  void answersKeepTheOrderOfRequestsWhenAsked() throws InterruptedException {
    List<String> order = Collections.synchronizedList(new ArrayList<>());
    AnswerOrder answers = new AnswerOrder();
    answers.send(1, () -> order.add("1"));
    answers.send(2, () -> order.add("2"));
    assertThat(order).isEmpty();
    answers.send(0, () -> order.add("0"));
    assertThat(order).containsExactly("0", "1", "2");
    try (var scheduler = scheduler(2, b -> b.setPreserveOrdering(true))) {
      model.gate.release(1000);
      for (int i = 0; i < 200; i++) {
        scheduler.submit(List.of(request(Integer.toString(i), 0)));
      }
      replies.forEach(RecordingReply::response);
    }
  }

  @Test
  void aFailingExecutionFailsItsBatchAndTheNextOneRuns() throws InterruptedException {
    try (var scheduler = scheduler(1, b -> b)) {
      model.failing = true;
      model.gate.release(1);
      scheduler.submit(List.of(request("a", 0)));
      assertThat(replies.getFirst().failure().fault()).isEqualTo(Fault.BACKEND_FAILED);
      model.failing = false;
      model.gate.release(1);
      scheduler.submit(List.of(request("b", 0)));
      assertThat(replies.getLast().response().outputs()).hasSize(1);
    }
  }

  @Test
  void aFullQueueRefusesAtOnce() throws InterruptedException {
    try (var scheduler =
        scheduler(
            1, b -> b.setDefaultQueuePolicy(ModelQueuePolicy.newBuilder().setMaxQueueSize(3)))) {
      occupy(scheduler);
      scheduler.submit(requests(5));
      assertThat(replies.get(4).failure())
          .isEqualTo(Fault.OVERLOADED.with("Exceeds maximum queue size"));
      assertThat(replies.get(5).failure().fault()).isEqualTo(Fault.OVERLOADED);
      model.gate.release(2);
      replies.subList(0, 4).forEach(RecordingReply::response);
    }
  }

  @Test
  void anIdleInstanceWaitsForTheDelayAndNoLonger() throws InterruptedException {
    try (var scheduler = scheduler(1, b -> b.setMaxQueueDelayMicroseconds(30_000))) {
      model.gate.release(1);
      long began = System.nanoTime();
      scheduler.submit(requests(3));
      replies.forEach(RecordingReply::response);
      assertThat(System.nanoTime() - began).isGreaterThanOrEqualTo(30_000_000);
      assertThat(model.sizes).containsExactly(3);
    }
  }

  @Test
  void drainingRefusesNewRequestsAndFinishesTheOthers() throws InterruptedException {
    try (var scheduler = scheduler(1, b -> b)) {
      occupy(scheduler);
      scheduler.submit(requests(2));
      assertThat(scheduler.drain(Duration.ZERO)).isFalse();
      InferRequest late = request("late", 0);
      assertThat(scheduler.submit(List.of(late))).isFalse();
      late.fail(ModelScheduler.STOPPING);
      model.gate.release(5);
      assertThat(scheduler.drain(Duration.ofSeconds(20))).isTrue();
      replies.subList(0, 3).forEach(RecordingReply::response);
    }
  }

  @Test
  void closingFailsWhatWaitsAndLetsWhatRunsFinish() throws InterruptedException {
    var scheduler = scheduler(1, b -> b);
    occupy(scheduler);
    scheduler.submit(requests(2));
    Thread closing = Thread.ofVirtual().start(scheduler::close);
    assertThat(replies.get(1).failure().fault()).isEqualTo(Fault.NOT_READY);
    model.gate.release(1);
    closing.join();
    replies.getFirst().response();
    assertThat(model.closed).isTrue();
  }

  @Test
  void manyThreadsAndInstancesAnswerEveryRequestOnce() throws InterruptedException {
    try (var scheduler = scheduler(3, b -> b)) {
      model.gate.release(1_000_000);
      List<List<InferRequest>> loads = IntStream.range(0, 4).mapToObj(i -> requests(500)).toList();
      List<Thread> senders =
          loads.stream()
              .map(
                  load ->
                      Thread.ofVirtual()
                          .start(() -> load.forEach(each -> scheduler.submit(List.of(each)))))
              .toList();
      for (Thread sender : senders) {
        sender.join();
      }
      replies.forEach(RecordingReply::response);
      assertThat(statistics.snapshot().success().count()).isEqualTo(2000);
    }
  }
}
