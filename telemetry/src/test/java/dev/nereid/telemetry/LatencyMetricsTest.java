package dev.nereid.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.nereid.core.FakeTicker;
import dev.nereid.core.Timings;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class LatencyMetricsTest {
  private static final LatencyOptions BOTH = new LatencyOptions(true, true, List.of(0.5, 0.99));
  private static final long MICRO = 1_000;

  private final FakeTicker ticker = new FakeTicker();

  private LatencyMetrics latencies(LatencyOptions options, Double... bounds) {
    return Objects.requireNonNull(LatencyMetrics.of(options, List.of(bounds), ticker));
  }

  private static String text(LatencyMetrics latencies, boolean cached) {
    Metrics metrics = new Metrics();
    metrics.register(sink -> latencies.collect(sink, cached, "m", "1"));
    return metrics.scrape();
  }

  @Test
  void whatNobodyWantsIsNotThere() {
    assertThat(LatencyMetrics.of(LatencyOptions.OFF, List.of(), ticker)).isNull();
    LatencyMetrics histogram = latencies(new LatencyOptions(true, false, List.of()));
    assertThat(text(histogram, true)).contains("first_response").doesNotContain("summary");
    LatencyMetrics summary = latencies(new LatencyOptions(false, true, List.of()));
    assertThat(text(summary, false)).contains("summary").doesNotContain("first", "nv_cache");
  }

  @Test
  void eachPartOfARequestHasItsQuantilesNumberAndSum() {
    LatencyMetrics latencies = latencies(BOTH);
    for (long i = 1; i <= 100; i++) {
      // queue i, input 10, infer 100, output 1000 microseconds
      long started = i * MICRO;
      latencies.answered(
          new Timings(
              0, started, started + 10 * MICRO, started + 110 * MICRO, started + 1_110 * MICRO));
    }
    assertThat(text(latencies, false))
        .contains("# TYPE nv_inference_queue_summary_us summary\n")
        .contains("nv_inference_queue_summary_us{model=\"m\",version=\"1\",quantile=\"0.5\"} 50\n")
        .contains("nv_inference_queue_summary_us{model=\"m\",version=\"1\",quantile=\"0.99\"} 99\n")
        .contains("nv_inference_queue_summary_us_sum{model=\"m\",version=\"1\"} 5050\n")
        .contains("nv_inference_queue_summary_us_count{model=\"m\",version=\"1\"} 100\n")
        .contains("nv_inference_compute_input_summary_us_sum{model=\"m\",version=\"1\"} 1000\n")
        .contains("nv_inference_compute_infer_summary_us_sum{model=\"m\",version=\"1\"} 10000\n")
        .contains("nv_inference_compute_output_summary_us_sum{model=\"m\",version=\"1\"} 100000\n")
        .contains("nv_inference_request_summary_us_sum{model=\"m\",version=\"1\"} 116050\n");
  }

  @Test
  void hitsAndMissesOfTheCacheAreRequestsAndMore() {
    LatencyMetrics latencies = latencies(BOTH);
    latencies.hit(90 * MICRO, 20 * MICRO);
    latencies.missed(30 * MICRO);
    assertThat(text(latencies, true))
        .contains("nv_inference_request_summary_us_sum{model=\"m\",version=\"1\"} 90\n")
        .contains("nv_inference_queue_summary_us_sum{model=\"m\",version=\"1\"} 20\n")
        .contains("nv_cache_hit_summary_per_model_sum{model=\"m\",version=\"1\"} 70\n")
        .contains("nv_cache_miss_summary_per_model_count{model=\"m\",version=\"1\"} 1\n")
        .contains("compute_infer_summary_us{model=\"m\",version=\"1\",quantile=\"0.5\"} NaN\n");
  }

  @Test
  void theFirstResponseIsToldInMillisecondsAndInBucketsOfTheModelsChoice() {
    Timings slow = new Timings(0, 0, 0, 0, 300_000_000);
    LatencyMetrics usual = latencies(BOTH);
    usual.answered(slow);
    String name = "nv_inference_first_response_histogram_ms_";
    assertThat(text(usual, false))
        .contains(name + "bucket{model=\"m\",version=\"1\",le=\"100\"} 0\n")
        .contains(name + "bucket{model=\"m\",version=\"1\",le=\"500\"} 1\n")
        .contains(name + "bucket{model=\"m\",version=\"1\",le=\"2000\"} 1\n")
        .contains(name + "bucket{model=\"m\",version=\"1\",le=\"5000\"} 1\n")
        .contains(name + "bucket{model=\"m\",version=\"1\",le=\"+Inf\"} 1\n")
        .contains(name + "sum{model=\"m\",version=\"1\"} 300\n");
    LatencyMetrics chosen = latencies(BOTH, 0.5, Double.POSITIVE_INFINITY);
    chosen.hit(400_000, 0);
    assertThat(text(chosen, false).lines().filter(line -> line.contains(name + "bucket")))
        .containsExactly(
            name + "bucket{model=\"m\",version=\"1\",le=\"0.5\"} 1",
            name + "bucket{model=\"m\",version=\"1\",le=\"+Inf\"} 1");
  }

  @Test
  void quantilesAreOfTheLastMinuteAndSumsOfAllTime() {
    Summary summary = new Summary();
    summary.observe(100 * MICRO, ticker.nanos());
    ticker.advance(Duration.ofSeconds(40));
    summary.observe(200 * MICRO, ticker.nanos());
    assertThat(summary.quantiles(List.of(0.0, 1.0), ticker.nanos())).containsExactly(100.0, 200.0);
    ticker.advance(Duration.ofSeconds(21));
    assertThat(summary.quantiles(List.of(0.0, 1.0), ticker.nanos())).containsExactly(200.0, 200.0);
    ticker.advance(Duration.ofSeconds(60));
    assertThat(summary.quantiles(List.of(0.5), ticker.nanos())).containsExactly(Double.NaN);
    summary.observe(300 * MICRO, ticker.nanos());
    assertThat(summary.quantiles(List.of(0.5), ticker.nanos()).getFirst())
        .isCloseTo(300, within(3.0));
    assertThat(summary.count()).isEqualTo(3);
    assertThat(summary.sum()).isEqualTo(600);
  }

  @Test
  void aQuantileIsOffByOnePercentAtMost() {
    Summary summary = new Summary();
    for (long micros : new long[] {1, 333, 12_345, 7_654_321, 3_600_000_000L, 7_200_000_000L}) {
      summary.observe(micros * MICRO, ticker.nanos());
      double told = summary.quantiles(List.of(1.0), ticker.nanos()).getFirst();
      double known = Math.min(micros, 3_600_000_000L);
      assertThat(told).isCloseTo(known, within(known / 100));
    }
  }

  @Test
  void manyThreadsLoseNothing() throws Exception {
    Summary summary = new Summary();
    int threads = 8;
    int each = 20_000;
    try (var pool = Executors.newFixedThreadPool(threads)) {
      Callable<Void> observing =
          () -> {
            for (int i = 0; i < each; i++) {
              summary.observe(MICRO, ticker.nanos());
              if (i % 1000 == 0) {
                ticker.advance(Duration.ofMillis(100));
              }
            }
            return null;
          };
      var running =
          pool.invokeAll(
              IntStream.range(0, threads).mapToObj(_ -> observing).toList(), 30, TimeUnit.SECONDS);
      for (var one : running) {
        one.get();
      }
    }
    assertThat(summary.count()).isEqualTo((long) threads * each);
    assertThat(summary.sum()).isEqualTo((double) threads * each);
    assertThat(summary.quantiles(List.of(0.5), ticker.nanos())).containsExactly(1.0);
  }

  @Test
  void aQuantileIsAShare() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LatencyOptions(false, true, List.of(95.0)))
        .withMessage("quantile: 95.0 (expected: 0 to 1)");
  }
}
