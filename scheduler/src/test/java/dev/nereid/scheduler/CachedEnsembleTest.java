package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A cached ensemble whose step is exchanged. */
final class CachedEnsembleTest {
  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final ResponseCache cache = new ResponseCache(1 << 20, pool, 1);
  private final List<RecordingReply> replies = new ArrayList<>();
  private final ExecutionStatistics statistics = new ExecutionStatistics("e", 1);
  private volatile @Nullable BatchingScheduler step;

  @AfterEach
  void everythingIsGivenBack() {
    replies.forEach(RecordingReply::close);
    cache.close();
    assertThat(pool.openLeases()).isZero();
    pool.close();
  }

  private BatchingScheduler load(GatedModel model) {
    return BatchingScheduler.start(
        new SchedulerSetup(
            Policies.model(8, 2, b -> b),
            1,
            model,
            List.of(new Placement("g", 0, -1)),
            pool,
            Ticker.system(),
            new ExecutionStatistics("m", 1)));
  }

  private StepTarget target() {
    BatchingScheduler scheduler = step;
    if (scheduler == null) {
      throw FaultException.of(Fault.NOT_READY, "no model m");
    }
    return new StepTarget() {
      @Override
      public void submit(List<InferRequest> requests) {
        scheduler.submit(requests);
      }

      @Override
      public void identify(LongConsumer loads) {
        scheduler.identify(loads);
      }
    };
  }

  private CachingScheduler ensemble() {
    ModelConfig config =
        ConfigText.parse(
            """
            name: "e" platform: "ensemble" max_batch_size: 8
            input { name: "IN" data_type: TYPE_FP32 dims: 2 }
            output { name: "OUT" data_type: TYPE_FP32 dims: 2 }
            ensemble_scheduling { step {
              model_name: "m"
              input_map { key: "INPUT0" value: "IN" }
              output_map { key: "OUTPUT0" value: "OUT" } } }
            """,
            "test");
    var inner = new EnsembleScheduler(config, 1, (_, _) -> target(), Ticker.system(), statistics);
    return new CachingScheduler(inner, config, cache, Ticker.system(), statistics);
  }

  private RecordingReply ask(CachingScheduler scheduler) {
    Tensor input = new TestTensors(pool).floats("IN", Shape.of(1, 2), 1, 2);
    var reply = new RecordingReply();
    replies.add(reply);
    scheduler.submit(List.of(TestTensors.request(reply, input)));
    return reply;
  }

  @Test
  void anExchangedStepIsAskedAnew() {
    GatedModel old = new GatedModel(10);
    GatedModel young = new GatedModel(10);
    try (var scheduler = ensemble();
        var before = load(old);
        var after = load(young)) {
      step = before;
      ask(scheduler).response();
      ask(scheduler).response();
      assertThat(old.sizes).hasSize(1);
      step = after;
      ask(scheduler).response();
      ask(scheduler).response();
      assertThat(young.sizes).hasSize(1);
      assertThat(statistics.snapshot().cacheHit().count()).isEqualTo(2);
    }
  }

  @Test
  void whatWasAskedOfAStepThatWentMeanwhileIsNotKept() throws InterruptedException {
    GatedModel old = new GatedModel(0);
    GatedModel young = new GatedModel(10);
    try (var scheduler = ensemble();
        var before = load(old);
        var after = load(young)) {
      step = before;
      RecordingReply first = ask(scheduler);
      old.begun.acquire();
      step = after;
      old.gate.release(10);
      first.response();
      assertThat(cache.entries()).isZero();
      step = before;
      ask(scheduler).response();
      assertThat(old.sizes).hasSize(2);
    }
  }

  @Test
  void aStepThatCannotServeIsAFailureThatIsNotKept() {
    GatedModel model = new GatedModel(10);
    try (var scheduler = ensemble();
        var loaded = load(model)) {
      assertThat(ask(scheduler).failure().fault()).isEqualTo(Fault.NOT_READY);
      step = loaded;
      ask(scheduler).response();
      ask(scheduler).response();
      assertThat(model.sizes).hasSize(1);
    }
  }
}
