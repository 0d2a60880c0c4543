package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** Results that are kept: in this process, and in a real Redis that comes and goes. */
@Timeout(120)
final class ResultCacheTest {
  private static GatewayOptions local() {
    return RunningGateway.options().keeping(ResultCacheOptions.DEFAULT);
  }

  private static GatewayOptions shared(URI redis) {
    return RunningGateway.options().keeping(ResultCacheOptions.DEFAULT.sharedBy(redis));
  }

  private static RunningGateway.Answer detect(
      RunningGateway running, String sample, String query, String... headers) throws Exception {
    return running.post("/detect" + query, "image/jpeg", RunningGateway.sample(sample), headers);
  }

  private static long number(RunningGateway running, String series) {
    return running
        .metrics
        .scrape()
        .lines()
        .filter(line -> line.startsWith(series))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }

  private static long executions(RunningGateway running) {
    return number(running, "nv_inference_count{model=\"shapes_detector\"");
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time to wait").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  @Test
  void theSecondOfEqualRequestsRunsNothing() throws Exception {
    try (var running = new RunningGateway(local())) {
      var first = detect(running, "scene.jpg", "");
      assertThat(first.header("x-cache")).isEqualTo("miss");
      long executed = executions(running);
      var second = detect(running, "scene.jpg", "");
      assertThat(second.header("x-cache")).isEqualTo("hit");
      assertThat(second.json().get("detections")).isEqualTo(first.json().get("detections"));
      assertThat(second.json().get("detections")).isNotEmpty();
      assertThat(executions(running)).isEqualTo(executed);
      assertThat(running.metrics.scrape()).contains("nereid_result_cache_hit_ratio 0.5");
      // The number of boxes shown is cut from what is kept.
      var fewer = detect(running, "scene.jpg", "?max_detections=1");
      assertThat(fewer.header("x-cache")).isEqualTo("hit");
      assertThat(fewer.json().get("detections")).hasSize(1);
    }
  }

  @Test
  void otherPicturesOrOptionsAreOtherRequests() throws Exception {
    try (var running = new RunningGateway(local())) {
      byte[] picture = RunningGateway.sample("tiny.jpg");
      detect(running, "tiny.jpg", "");
      assertThat(detect(running, "scene.jpg", "").header("x-cache")).isEqualTo("miss");
      assertThat(detect(running, "tiny.jpg", "?confidence=0.9").header("x-cache"))
          .isEqualTo("miss");
      assertThat(running.post("/classify", "image/jpeg", picture).header("x-cache"))
          .isEqualTo("miss");
      Form form =
          new Form()
              .file("images", "a.jpg", picture)
              .file("images", "b.jpg", RunningGateway.sample("large.jpg"));
      var batch = running.postForm("/predict_batch/detect", form);
      assertThat(batch.header("x-cache")).isEqualTo("mixed");
    }
  }

  @Test
  void aClientMayAskForARun() throws Exception {
    try (var running = new RunningGateway(local())) {
      detect(running, "tiny.jpg", "");
      long executed = executions(running);
      var anew = detect(running, "tiny.jpg", "", "cache-control", "no-cache");
      assertThat(anew.header("x-cache")).isEmpty();
      assertThat(executions(running)).isEqualTo(executed + 1);
    }
  }

  @Test
  void aHundredEqualRequestsAtOnceRunOnce() throws Exception {
    try (var running = new RunningGateway(local());
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      long executed = executions(running);
      Callable<RunningGateway.Answer> ask = () -> detect(running, "large.jpg", "");
      List<Future<RunningGateway.Answer>> answers = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        answers.add(threads.submit(ask));
      }
      JsonNode first = answers.getFirst().get().json().get("detections");
      for (var answer : answers) {
        assertThat(answer.get().status()).isEqualTo(200);
        assertThat(answer.get().json().get("detections")).isEqualTo(first);
      }
      assertThat(executions(running)).isEqualTo(executed + 1);
      assertThat(number(running, "nereid_result_cache_requests_total{source=\"miss\"}"))
          .isEqualTo(1);
    }
  }

  @Test
  void gatewaysShareThroughRedis() throws Exception {
    try (var redis = new RedisServer();
        var one = new RunningGateway(shared(redis.uri()));
        var other = new RunningGateway(shared(redis.uri()))) {
      awaitUp(one);
      awaitUp(other);
      var first = detect(one, "scene.jpg", "");
      assertThat(first.header("x-cache")).isEqualTo("miss");
      long executed = executions(other);
      await(() -> sourceOf(other).equals("shared"));
      var second = detect(other, "scene.jpg", "");
      assertThat(second.header("x-cache")).isEqualTo("hit");
      assertThat(second.json().get("detections")).isEqualTo(first.json().get("detections"));
      assertThat(executions(other)).isEqualTo(executed);
    }
  }

  /** Asks with what is not kept here yet until it comes from elsewhere. */
  private static String sourceOf(RunningGateway running) {
    try {
      return detect(running, "scene.jpg", "").header("x-cache");
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static void awaitUp(RunningGateway running) {
    await(() -> number(running, "nereid_result_cache_shared_up") == 1);
  }

  @Test
  void aRedisThatIsGoneCostsNothingButTheHits() throws Exception {
    try (var redis = new RedisServer();
        var running = new RunningGateway(shared(redis.uri()))) {
      awaitUp(running);
      var stop = new AtomicBoolean();
      var asked = new AtomicInteger();
      var troubles = new ConcurrentLinkedQueue<String>();
      Thread load =
          Thread.ofVirtual()
              .start(
                  () -> {
                    while (!stop.get()) {
                      ask(running, asked.incrementAndGet(), troubles);
                    }
                  });
      awaitAsked(asked, 5);
      redis.kill();
      awaitAsked(asked, 10);
      redis.start();
      awaitUp(running);
      awaitAsked(asked, 5);
      redis.freeze();
      await(() -> number(running, "nereid_result_cache_shared_up") == 0);
      awaitAsked(asked, 10);
      redis.thaw();
      awaitUp(running);
      stop.set(true);
      load.join();
      assertThat(troubles).isEmpty();
      assertThat(number(running, "nereid_result_cache_shared_failures_total")).isPositive();
    }
  }

  /** A request that was never made before: its picture is one, and its threshold is its own. */
  private static void ask(RunningGateway running, int number, ConcurrentLinkedQueue<String> told) {
    try {
      var answer = detect(running, "tiny.jpg", "?confidence=0.1" + (10_000 + number));
      if (answer.status() != 200 || !answer.header("x-cache").equals("miss")) {
        told.add(answer.status() + " " + answer.header("x-cache"));
      }
    } catch (Exception e) {
      told.add(e.toString());
    }
  }

  private static void awaitAsked(AtomicInteger asked, int more) {
    int target = asked.get() + more;
    await(() -> asked.get() >= target);
  }

  @Test
  void aRedisThatWasNeverThereIsNoTrouble() throws Exception {
    try (var running = new RunningGateway(shared(URI.create("redis://127.0.0.1:1")))) {
      assertThat(detect(running, "tiny.jpg", "").header("x-cache")).isEqualTo("miss");
      assertThat(detect(running, "tiny.jpg", "").header("x-cache")).isEqualTo("hit");
    }
  }
}
