package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.core.FakeTicker;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which batches a submitter may run itself, on a model whose executions take a time we choose. */
final class InlineRunsTest {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);
  private static final int SEVERAL = 200;

  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final List<RecordingReply> replies = new ArrayList<>();
  private final FakeTicker ticker = new FakeTicker();
  private volatile long costNanos = 1_000;
  private volatile Thread ranOn = Thread.currentThread();
  private volatile boolean failing;
  private volatile Runnable duringRun = () -> {};

  @AfterEach
  void everythingIsGivenBack() {
    replies.forEach(RecordingReply::close);
    assertThat(pool.openLeases()).as("leases still open").isZero();
    pool.close();
  }

  private BatchingScheduler scheduler(UnaryOperator<ModelDynamicBatching.Builder> batching) {
    var setup =
        new SchedulerSetup(
            Policies.model(8, 2, batching),
            1,
            new TimedModel(),
            List.of(new Placement("g", 0, -1)),
            pool,
            ticker,
            new ExecutionStatistics("m", 1));
    return BatchingScheduler.start(setup);
  }

  /** Takes as long as the test says, on the test's clock. */
  private final class TimedModel implements Model {
    @Override
    public Instance newInstance(Placement placement) {
      return InlineRunsTest.this::execute;
    }

    @Override
    public void close() {}
  }

  private void execute(Batch batch) {
    ranOn = Thread.currentThread();
    ticker.advance(Duration.ofNanos(costNanos));
    duringRun.run();
    if (failing) {
      throw new IllegalStateException("this model fails");
    }
    for (int i = 0; i < batch.requests().size(); i++) {
      Tensor input = batch.required(i, "INPUT0");
      Lease share = input.lease().share();
      batch.respond(i, List.of(input.in(share).renamed("OUTPUT0")), List.of(share));
    }
  }

  private RecordingReply submitInline(BatchingScheduler scheduler) {
    Tensor input = new TestTensors(pool).floats("INPUT0", Shape.of(1, 2), 1, 2);
    var reply = new RecordingReply();
    replies.add(reply);
    var call = InferRequest.Call.of("m", ticker.nanos());
    scheduler.submitInline(
        List.of(new InferRequest(call, List.of(input), List.of(input.lease()), reply)));
    return reply;
  }

  /** Submits until one was run by this thread. */
  private void learn(BatchingScheduler scheduler) {
    long began = System.nanoTime();
    do {
      submitInline(scheduler).response();
      assertThat(System.nanoTime() - began).as("no run on this thread").isLessThan(PATIENCE_NANOS);
    } while (!ranOn.equals(Thread.currentThread()));
  }

  @Test
  void quickBatchesRunOnTheSubmittersThreadOnceTheyAreKnownToBeQuick() {
    try (var scheduler = scheduler(b -> b)) {
      for (int i = 0; i < QuickBatches.ENOUGH; i++) {
        submitInline(scheduler).response();
        assertThat(ranOn).isNotEqualTo(Thread.currentThread());
      }
      learn(scheduler);
    }
  }

  @Test
  void slowBatchesAndThoseThatWaitForMoreAreHandedOver() {
    costNanos = QuickBatches.MOST_NANOS + 1_000;
    try (var scheduler = scheduler(b -> b)) {
      neverHere(scheduler);
    }
    costNanos = 1_000;
    try (var scheduler = scheduler(b -> b.setMaxQueueDelayMicroseconds(1))) {
      for (int i = 0; i < SEVERAL; i++) {
        RecordingReply reply = submitInline(scheduler);
        ticker.advance(Duration.ofMillis(1));
        assertThat(reply.response().outputs()).hasSize(1);
        assertThat(ranOn).isNotEqualTo(Thread.currentThread());
      }
    }
  }

  private void neverHere(BatchingScheduler scheduler) {
    for (int i = 0; i < SEVERAL; i++) {
      submitInline(scheduler).response();
      assertThat(ranOn).isNotEqualTo(Thread.currentThread());
    }
  }

  @Test
  void aModelThatBecomesSlowIsHandedOverAgain() {
    try (var scheduler = scheduler(b -> b)) {
      learn(scheduler);
      costNanos = 100 * QuickBatches.MOST_NANOS;
      learnedSlow(scheduler);
      costNanos = 1_000;
      learn(scheduler);
    }
  }

  private void learnedSlow(BatchingScheduler scheduler) {
    submitInline(scheduler).response();
    submitInline(scheduler).response();
    neverHere(scheduler);
  }

  @Test
  void aFailingInlineRunFailsItsRequestAndGivesTheInstanceBack() {
    try (var scheduler = scheduler(b -> b)) {
      learn(scheduler);
      failing = true;
      assertThat(submitInline(scheduler).failure()).isNotNull();
      failing = false;
      assertThat(submitInline(scheduler).response().outputs()).hasSize(1);
    }
  }

  @Test
  void whatArrivesDuringAnInlineRunIsRunAfterIt() throws InterruptedException {
    try (var scheduler = scheduler(b -> b)) {
      learn(scheduler);
      var inside = new CountDownLatch(1);
      var others = new CountDownLatch(1);
      Thread here = Thread.currentThread();
      duringRun =
          () -> {
            if (Thread.currentThread().equals(here)) {
              inside.countDown();
              awaitQuietly(others);
            }
          };
      var late =
          Thread.ofPlatform()
              .start(
                  () -> {
                    awaitQuietly(inside);
                    submitInline(scheduler);
                    others.countDown();
                  });
      while (inside.getCount() > 0) {
        submitInline(scheduler);
      }
      late.join();
      replies.forEach(reply -> assertThat(reply.response().outputs()).hasSize(1));
    }
  }

  @Test
  void closingWaitsForAnInlineRun() throws InterruptedException {
    var scheduler = scheduler(b -> b);
    learn(scheduler);
    Thread here = Thread.currentThread();
    List<Thread> closers = new ArrayList<>();
    duringRun =
        () -> {
          if (Thread.currentThread().equals(here) && closers.isEmpty()) {
            Thread closer = Thread.ofPlatform().start(scheduler::close);
            closers.add(closer);
            awaitRefusal(scheduler);
            assertThat(closer.isAlive()).isTrue();
          }
        };
    RecordingReply inline;
    do {
      inline = submitInline(scheduler);
    } while (closers.isEmpty());
    closers.getFirst().join();
    assertThat(inline.response().outputs()).hasSize(1);
  }

  /** Waits until the scheduler takes no more requests. */
  private void awaitRefusal(BatchingScheduler scheduler) {
    InferRequest probe;
    do {
      var reply = new RecordingReply();
      replies.add(reply);
      Tensor input = new TestTensors(pool).floats("INPUT0", Shape.of(1, 2), 1, 2);
      var call = InferRequest.Call.of("m", ticker.nanos());
      probe = new InferRequest(call, List.of(input), List.of(input.lease()), reply);
    } while (scheduler.submit(List.of(probe)));
    probe.fail(ModelScheduler.STOPPING);
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      assertThat(latch.await(20, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
