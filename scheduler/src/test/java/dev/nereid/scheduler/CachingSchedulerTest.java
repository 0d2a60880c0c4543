package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.core.FakeTicker;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.telemetry.Metrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The cache before a model whose executions the test lets go one by one. */
final class CachingSchedulerTest {
  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final FakeTicker ticker = new FakeTicker();
  private final List<RecordingReply> replies = Collections.synchronizedList(new ArrayList<>());
  private ResponseCache cache = new ResponseCache(1 << 20, pool, 1);
  private final ExecutionStatistics statistics = new ExecutionStatistics("m", 1);
  private final GatedModel model = new GatedModel(0);

  @AfterEach
  void everythingIsGivenBack() {
    replies.forEach(RecordingReply::close);
    cache.close();
    assertThat(pool.openLeases()).as("leases still open").isZero();
    pool.close();
  }

  private CachingScheduler scheduler(UnaryOperator<ModelDynamicBatching.Builder> batching) {
    ModelConfig config = Policies.model(8, -1, batching);
    var inner =
        BatchingScheduler.start(
            new SchedulerSetup(
                config, 1, model, List.of(new Placement("g", 0, -1)), pool, ticker, statistics));
    return new CachingScheduler(inner, config, cache, ticker, statistics);
  }

  private CachingScheduler scheduler() {
    return scheduler(b -> b);
  }

  private InferRequest asked(String id, long priority, long deadline, float... values) {
    Tensor input = new TestTensors(pool).floats("INPUT0", Shape.of(1, values.length), values);
    var reply = new RecordingReply();
    replies.add(reply);
    var call = new InferRequest.Call("m", -1, id, Map.of(), List.of(), priority, 0, 0, deadline);
    return new InferRequest(call, List.of(input), List.of(input.lease()), reply);
  }

  private InferRequest request(String id, float... values) {
    return asked(id, 0, Long.MAX_VALUE, values);
  }

  private RecordingReply send(CachingScheduler scheduler, InferRequest request) {
    scheduler.submit(List.of(request));
    return (RecordingReply) request.reply();
  }

  private static void assertAnswer(RecordingReply reply, String id, float... values) {
    var response = reply.response();
    assertThat(response.id()).isEqualTo(id);
    assertThat(response.version()).isEqualTo(1);
    assertThat(TestTensors.floatsOf(response.output("OUTPUT0"))).containsExactly(values);
  }

  @Test
  void anEqualRequestIsAnsweredWithoutAnExecution() {
    try (var scheduler = scheduler()) {
      model.gate.release(10);
      assertAnswer(send(scheduler, request("a", 1, 2)), "a", 1, 2);
      assertAnswer(send(scheduler, request("b", 1, 2)), "b", 1, 2);
      assertAnswer(send(scheduler, request("c", 1, 3)), "c", 1, 3);
      assertThat(model.ids).containsExactly("a", "c");
      var counted = statistics.snapshot();
      assertThat(counted.success().count()).isEqualTo(3);
      assertThat(counted.queue().count()).isEqualTo(3);
      assertThat(counted.inferences()).isEqualTo(2);
      assertThat(counted.input().count()).isEqualTo(2);
      assertThat(counted.cacheHit().count()).isEqualTo(1);
      assertThat(counted.cacheMiss().count()).isEqualTo(2);
      Metrics metrics = new Metrics();
      metrics.register(statistics);
      metrics.register(cache);
      assertThat(metrics.scrape())
          .contains("nv_cache_num_hits_per_model{model=\"m\",version=\"1\"} 1\n")
          .contains("nv_cache_num_misses_per_model{model=\"m\",version=\"1\"} 2\n")
          .contains("nv_cache_hit_duration_per_model{model=\"m\",version=\"1\"}")
          .contains("nv_cache_miss_duration_per_model{model=\"m\",version=\"1\"}")
          .contains("nereid_cache_entries 2\n");
      replies.forEach(RecordingReply::close);
      assertThat(pool.openLeases()).as("what is kept is not open").isZero();
    }
    assertThat(cache.entries()).as("after unloading").isZero();
  }

  @Test
  void equalRequestsSideBySideRunOnce() throws InterruptedException {
    try (var scheduler = scheduler()) {
      send(scheduler, request("first", 9));
      model.begun.acquire();
      scheduler.submit(List.of(request("a", 1), request("b", 1), request("c", 2)));
      send(scheduler, request("d", 1));
      model.gate.release(10);
      assertAnswer(replies.get(1), "a", 1);
      assertAnswer(replies.get(2), "b", 1);
      assertAnswer(replies.get(3), "c", 2);
      assertAnswer(replies.get(4), "d", 1);
      assertThat(model.ids).containsExactly("first", "a", "c");
      assertThat(statistics.snapshot().cacheShared()).isEqualTo(2);
      assertThat(statistics.snapshot().cacheHit().count()).isEqualTo(2);
    }
  }

  @Test
  void aMoreUrgentRequestDoesNotWaitForALessUrgentOne() throws InterruptedException {
    try (var scheduler =
        scheduler(
            b -> b.setPriorityLevels(2).setDefaultPriorityLevel(2).addPreferredBatchSize(1))) {
      send(scheduler, request("first", 9));
      model.begun.acquire();
      send(scheduler, asked("low", 2, Long.MAX_VALUE, 1));
      send(scheduler, asked("high", 1, Long.MAX_VALUE, 1));
      model.gate.release(10);
      assertAnswer(replies.get(1), "low", 1);
      assertAnswer(replies.get(2), "high", 1);
      assertThat(model.ids.get(1)).isEqualTo("high");
    }
  }

  @Test
  void aLeaderThatIsCancelledOrLateDoesNotFailTheOthers() throws InterruptedException {
    try (var scheduler = scheduler()) {
      send(scheduler, request("first", 9));
      model.begun.acquire();
      long soon = ticker.nanos() + 1000;
      RecordingReply late = send(scheduler, asked("late", 0, soon, 1));
      InferRequest cancelled = request("cancelled", 1);
      RecordingReply withdrawn = send(scheduler, cancelled);
      RecordingReply waits = send(scheduler, request("waits", 1));
      RecordingReply lateToo = send(scheduler, asked("late too", 0, soon, 1));
      cancelled.cancel();
      ticker.advance(Duration.ofMillis(1));
      scheduler.sweep();
      assertThat(withdrawn.failure().fault()).isEqualTo(Fault.CANCELLED);
      assertThat(lateToo.failure().fault()).isEqualTo(Fault.DEADLINE_EXCEEDED);
      assertThat(late.failure().fault()).isEqualTo(Fault.DEADLINE_EXCEEDED);
      model.gate.release(10);
      assertAnswer(waits, "waits", 1);
      assertThat(model.ids).containsExactly("first", "waits");
    }
  }

  @Test
  void whoeverWaitsForARunThatHasBegunIsToldAtItsOwnDeadline() throws InterruptedException {
    try (var scheduler = scheduler()) {
      RecordingReply leader = send(scheduler, request("leader", 1));
      model.begun.acquire();
      RecordingReply late = send(scheduler, asked("late", 0, ticker.nanos() + 1000, 1));
      RecordingReply patient = send(scheduler, request("patient", 1));
      scheduler.sweep();
      assertThat(late.isDone()).as("not yet").isFalse();
      ticker.advance(Duration.ofMillis(1));
      scheduler.sweep();
      assertThat(late.failure().fault()).isEqualTo(Fault.DEADLINE_EXCEEDED);
      model.gate.release(10);
      assertAnswer(leader, "leader", 1);
      assertAnswer(patient, "patient", 1);
      assertThat(model.ids).containsExactly("leader");
    }
  }

  @Test
  void whatEverybodyWithdrewFromDoesNotRun() throws InterruptedException {
    try (var scheduler = scheduler()) {
      send(scheduler, request("first", 9));
      model.begun.acquire();
      InferRequest leader = request("a", 1);
      InferRequest follower = request("b", 1);
      scheduler.submit(List.of(leader, follower));
      leader.cancel();
      scheduler.sweep();
      assertThat(replies.get(1).isDone()).as("another waits for it").isFalse();
      follower.cancel();
      scheduler.sweep();
      assertThat(replies.get(1).failure().fault()).isEqualTo(Fault.CANCELLED);
      assertThat(replies.get(2).failure().fault()).isEqualTo(Fault.CANCELLED);
      model.gate.release(10);
    }
    assertThat(model.ids).containsExactly("first");
  }

  @Test
  void aFailureIsSharedAndNotKept() throws InterruptedException {
    try (var scheduler = scheduler()) {
      model.failing = true;
      send(scheduler, request("first", 9));
      model.begun.acquire();
      scheduler.submit(List.of(request("a", 1), request("b", 1)));
      model.gate.release(2);
      assertThat(replies.get(1).failure().fault()).isEqualTo(Fault.BACKEND_FAILED);
      assertThat(replies.get(2).failure().fault()).isEqualTo(Fault.BACKEND_FAILED);
      assertThat(statistics.snapshot().fail().count()).isEqualTo(3);
      model.failing = false;
      model.gate.release(10);
      assertAnswer(send(scheduler, request("c", 1)), "c", 1);
    }
  }

  @Test
  void anotherLoadOfTheModelStartsAnew() {
    model.gate.release(10);
    CachingScheduler old = scheduler();
    try (var reloaded = scheduler()) {
      assertAnswer(send(old, request("a", 1)), "a", 1);
      assertAnswer(send(reloaded, request("b", 1)), "b", 1);
      assertThat(model.ids).containsExactly("a", "b");
      assertThat(cache.entries()).isEqualTo(2);
      old.close();
      assertThat(cache.entries()).isEqualTo(1);
      assertAnswer(send(reloaded, request("c", 1)), "c", 1);
      assertThat(model.ids).hasSize(2);
    }
  }

  @Test
  void theCacheKeepsToItsBytes() {
    cache.close();
    cache = new ResponseCache(10L * (CachedResponse.OVERHEAD + 400), pool, 1);
    model.gate.release(1000);
    try (var scheduler = scheduler()) {
      for (int i = 0; i < 100; i++) {
        float[] values = new float[100];
        values[0] = i;
        assertAnswer(send(scheduler, request("small", values)), "small", values);
        assertThat(cache.bytes()).isLessThanOrEqualTo(10L * (CachedResponse.OVERHEAD + 400));
      }
      assertThat(cache.entries()).isBetween(1L, 10L);
      float[] large = new float[3000];
      assertAnswer(send(scheduler, request("large", large)), "large", large);
      assertAnswer(send(scheduler, request("again", large)), "again", large);
      assertThat(model.ids).endsWith("large", "again");
      Metrics metrics = new Metrics();
      metrics.register(cache);
      assertThat(metrics.scrape())
          .contains("nereid_cache_refusals_total{reason=\"too_large\"} 2\n")
          .doesNotContain("nereid_cache_evictions_total 0\n");
    }
  }

  @Test
  void longInputsAreLookedUpByAThreadOfTheCache() {
    model.gate.release(10);
    float[] values = new float[50_000];
    values[49_999] = 7;
    try (var scheduler = scheduler()) {
      assertAnswer(send(scheduler, request("a", values)), "a", values);
      assertAnswer(send(scheduler, request("b", values)), "b", values);
      values[0] = 1;
      assertAnswer(send(scheduler, request("c", values)), "c", values);
      assertThat(model.ids).containsExactly("a", "c");
    }
  }

  @Test
  void hitsKeepTheOrderOfRequestsWhenAsked() throws InterruptedException {
    try (var scheduler = scheduler(b -> b.setPreserveOrdering(true))) {
      model.gate.release(1);
      assertAnswer(send(scheduler, request("a", 1)), "a", 1);
      model.begun.acquire();
      RecordingReply slow = send(scheduler, request("slow", 2));
      RecordingReply hit = send(scheduler, request("hit", 1));
      model.begun.acquire();
      assertThat(hit.isDone()).isFalse();
      model.gate.release(1);
      assertAnswer(slow, "slow", 2);
      assertAnswer(hit, "hit", 1);
      assertThat(model.ids).containsExactly("a", "slow");
    }
  }

  @Test
  void drainingWaitsForThoseWhoShareARunAndThenRefuses() throws InterruptedException {
    try (var scheduler = scheduler()) {
      scheduler.submit(List.of(request("a", 1), request("b", 1)));
      model.begun.acquire();
      assertThat(scheduler.drain(Duration.ZERO)).isFalse();
      InferRequest late = request("late", 1);
      assertThat(scheduler.submit(List.of(late))).isFalse();
      late.fail(ModelScheduler.STOPPING);
      model.gate.release(1);
      assertThat(scheduler.drain(Duration.ofSeconds(20))).isTrue();
      assertAnswer(replies.get(1), "b", 1);
    }
  }

  @Test
  void closingFailsThoseWhoShareARunThatNeverCame() throws InterruptedException {
    var scheduler = scheduler();
    send(scheduler, request("first", 9));
    model.begun.acquire();
    scheduler.submit(List.of(request("a", 1), request("b", 1)));
    Thread closing = Thread.ofVirtual().start(scheduler::close);
    assertThat(replies.get(1).failure().fault()).isEqualTo(Fault.NOT_READY);
    assertThat(replies.get(2).failure().fault()).isEqualTo(Fault.NOT_READY);
    model.gate.release(1);
    closing.join();
    assertThat(cache.entries()).isZero();
  }
}
