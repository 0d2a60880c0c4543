package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Many callers, few questions, little room: hits, shared runs, evictions and withdrawals at once.
 */
final class CachingStressTest {
  private static final int CALLERS = 4;
  private static final int REQUESTS = 3000;
  private static final int QUESTIONS = 40;

  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final GatedModel model = new GatedModel(Integer.MAX_VALUE);
  private final ExecutionStatistics statistics = new ExecutionStatistics("m", 1);

  /** A request and the value it must be answered with. */
  private record Asked(InferRequest request, RecordingReply reply, float value) {}

  @Test
  void everyRequestIsAnsweredOnceAndRightly() throws InterruptedException {
    ModelConfig config = Policies.model(8, -1, batching -> batching);
    ResponseCache cache = new ResponseCache(15L * CachedResponse.OVERHEAD, pool, 2);
    var placements = List.of(new Placement("g", 0, -1), new Placement("g", 1, -1));
    var inner =
        BatchingScheduler.start(
            new SchedulerSetup(config, 1, model, placements, pool, Ticker.system(), statistics));
    try (var scheduler = new CachingScheduler(inner, config, cache, Ticker.system(), statistics)) {
      List<Thread> callers = new ArrayList<>();
      List<AssertionError> wrong = java.util.Collections.synchronizedList(new ArrayList<>());
      for (int i = 0; i < CALLERS; i++) {
        int seed = i;
        callers.add(
            Thread.ofPlatform()
                .start(
                    () -> {
                      try {
                        call(scheduler, new Random(seed));
                      } catch (AssertionError e) {
                        wrong.add(e);
                      }
                    }));
      }
      for (Thread caller : callers) {
        caller.join();
      }
      assertThat(wrong).isEmpty();
      var counted = statistics.snapshot();
      assertThat(counted.success().count() + counted.fail().count())
          .isEqualTo((long) CALLERS * REQUESTS);
      assertThat(counted.cacheHit().count()).isPositive();
      assertThat(counted.success().count())
          .isEqualTo(counted.cacheHit().count() + counted.input().count());
      assertThat(cache.bytes()).isLessThanOrEqualTo(15L * CachedResponse.OVERHEAD);
    }
    cache.close();
    assertThat(pool.openLeases()).isZero();
    pool.close();
  }

  private void call(CachingScheduler scheduler, Random random) {
    List<Asked> open = new ArrayList<>();
    for (int i = 0; i < REQUESTS; i++) {
      Asked asked = asked(random);
      open.add(asked);
      scheduler.submit(List.of(asked.request));
      if (random.nextInt(10) == 0) {
        asked.request.cancel();
      }
      if (random.nextInt(50) == 0) {
        scheduler.sweep();
      }
      if (open.size() == 64) {
        open.forEach(this::check);
        open.clear();
      }
    }
    open.forEach(this::check);
  }

  /** Some of them long, so that threads of the cache take part. */
  private Asked asked(Random random) {
    int question = random.nextInt(QUESTIONS);
    float[] values = new float[question == 0 ? 20_000 : 8];
    values[values.length - 1] = question;
    Tensor input = new TestTensors(pool).floats("INPUT0", Shape.of(1, values.length), values);
    var reply = new RecordingReply();
    var call = new InferRequest.Call("m", -1, "", Map.of(), List.of(), 0, 0, 0, Long.MAX_VALUE);
    return new Asked(
        new InferRequest(call, List.of(input), List.of(input.lease()), reply), reply, question);
  }

  private void check(Asked asked) {
    asked.reply.await();
    if (asked.request.isCancelled() && !answered(asked.reply)) {
      assertThat(asked.reply.failure().fault()).isEqualTo(Fault.CANCELLED);
      return;
    }
    float[] values = TestTensors.floatsOf(asked.reply.response().output("OUTPUT0"));
    assertThat(values[values.length - 1]).isEqualTo(asked.value);
    asked.reply.close();
  }

  private static boolean answered(RecordingReply reply) {
    try {
      var _ = reply.failure();
      return false;
    } catch (AssertionError _) {
      return true;
    }
  }
}
