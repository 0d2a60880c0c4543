package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nereid.client.ModelStatistics;
import dev.nereid.client.ModelStatistics.Phase;
import dev.nereid.client.Traffic;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

@Timeout(120)
final class ForthAndBackTest {
  @TempDir Path folder;

  /** A server that gets slower with every request favours nobody, whoever is measured first. */
  @Test
  void whatDriftsDriftsForAllOfThem() throws Exception {
    try (var truth = TruthProcess.start()) {
      Figures.hold(
          () -> {
            truth.script("service=30000&drift=60");
            Path file = folder.resolve("cells.jsonl");
            Files.deleteIfExists(file);
            BenchRun ran =
                BenchRun.command(
                    "protocols",
                    "--target",
                    "t=http://127.0.0.1:%1$d,grpc://127.0.0.1:%2$d,rest://127.0.0.1:%1$d"
                        .formatted(truth.httpPort, truth.grpcPort),
                    "--model=encoded=m:x",
                    "--batches=1",
                    "--concurrency=2",
                    "--warmup=0s",
                    "--cell-time=600ms",
                    "--link=loopback",
                    "--resume=" + file);
            List<JsonNode> cells =
                Files.readAllLines(file).stream().map(new ObjectMapper()::readTree).toList();
            assertThat(cells)
                .extracting(cell -> cell.path("route").asString(""))
                .containsExactly("grpc", "binary", "multipart", "base64");
            // Between the halves of the first lie all the others, between those of the last
            // nothing.
            assertThat(slowedBy(cells.getFirst())).isGreaterThan(slowedBy(cells.getLast()) + 0.1);
            for (JsonNode cell : cells) {
              assertThat(speed(cell) / speed(cells.getFirst())).isCloseTo(1, within(0.15));
            }
            assertThat(ran.out()).contains("measured forth and back");
          });
    }
  }

  private static double slowedBy(JsonNode cell) {
    JsonNode halves = cell.path("halves");
    assertThat(halves.size()).isEqualTo(2);
    return 1 - halves.path(1).doubleValue() / halves.path(0).doubleValue();
  }

  private static double speed(JsonNode cell) {
    return cell.path("images_per_second").doubleValue();
  }

  @Test
  void halvesAreMergedAsOneRunOfAllTheirTime() {
    LoadResult merged =
        MergedResult.of(List.of(result(100, 1, 2_000, 40), result(300, 3, 8_000, 80)));
    assertThat(merged.throughput()).isEqualTo(100);
    assertThat(merged.completed()).isEqualTo(400);
    assertThat(merged.latencies().count()).isEqualTo(400);
    assertThat(merged.latencies().mean()).isCloseTo(6_500, within(10.0));
    assertThat(merged.latencies().p50()).isCloseTo(8_000, within(10.0));
    assertThat(merged.cost().server()).isEqualTo(70.0);
    assertThat(merged.cost().client()).isEqualTo(7.0);
    assertThat(merged.cost().busiestLoop()).isCloseTo(0.76, within(1e-9));
    assertThat(merged.failures()).isEqualTo(Map.of("lost", 2L));
    assertThat(merged.wire().traffic()).isEqualTo(new Traffic(20, 40, 2, 1));
    ModelStatistics model = merged.models().getFirst();
    assertThat(model.inferences()).isEqualTo(400);
    assertThat(model.batches()).isEqualTo(Map.of(2L, 100L, 4L, 100L));
    assertThat(model.queue()).isEqualTo(new Phase(2, 20));
    assertThat(merged.phases())
        .extracting(PhaseTimes::described)
        .containsExactly("over grpc: decode 2.50s");
  }

  /** So many answered in so many seconds after so many microseconds each. */
  private static LoadResult result(int completed, double seconds, long micros, double serverCpu) {
    Histogram histogram = new Histogram(3);
    histogram.recordValueWithCount(1_000 * micros, completed);
    Phase phase = new Phase(1, 10);
    var batches = new TreeMap<>(Map.of(completed == 100 ? 2L : 4L, 100L));
    var model =
        new ModelStatistics(
            "m", "1", completed, 100, phase, phase, phase, phase, phase, phase, batches);
    return new LoadResult(
        LoadPlan.closed(1, Duration.ZERO, Duration.ofSeconds(1)),
        new LoadResult.WarmUp(0, true, 0, 0, null, null, List.of()),
        new LoadResult.Window(seconds, completed, 0, 0, 0),
        Latencies.of(histogram),
        new TreeMap<>(Map.of("lost", 1L)),
        new TreeMap<>(Map.of("lost", "gone")),
        null,
        List.of(),
        new LoadResult.Wire(1, 2, new Traffic(10, 20, 1, 1), 1),
        new LoadResult.Cost(serverCpu, serverCpu / 10, 1, completed == 100 ? 0.4 : 0.88),
        new LoadResult.Intervals(null, null, null, null, null, null),
        List.of(),
        List.of(model),
        PhaseTimes.of(phases(completed, completed * seconds)),
        histogram);
  }

  private static String phases(int count, double seconds) {
    return """
        # TYPE nereid_request_phase_seconds histogram
        nereid_request_phase_seconds_bucket{listener="grpc",phase="decode",le="+Inf"} %1$d
        nereid_request_phase_seconds_sum{listener="grpc",phase="decode"} %2$s
        nereid_request_phase_seconds_count{listener="grpc",phase="decode"} %1$d
        """
        .formatted(count, seconds);
  }

  @Test
  void aToolThatWasTheBottleneckIsSaidToBeOne() {
    for (int completed : new int[] {100, 300}) {
      // Its busiest thread ran for 40 % of the time, and for 88 %.
      LoadResult result = result(completed, 1, 2_000, 40);
      boolean busy = result.cost().busiestLoop() > 0.85;
      assertThat(busy).isEqualTo(completed == 300);
      assertThat(result.clientIsBottleneck()).isEqualTo(busy);
      String warning = "WARNING: this tool is the bottleneck";
      assertThat(ReportTable.of("", List.of(result)).contains(warning)).isEqualTo(busy);
    }
  }

  @Test
  void aBudgetIsKeptByWhatTookLongerThanEstimated() {
    var clock = new BudgetClock(System.nanoTime(), Duration.ofMinutes(10));
    assertThat(clock.hasFor(400)).isTrue();
    clock.took(10, 20);
    assertThat(clock.minutesFor(60)).isEqualTo(2);
    assertThat(clock.hasFor(400)).isFalse();
    assertThat(clock.hasFor(200)).isTrue();
  }

  @Test
  void anEstimateGrowsWithBatchCallersAndTheLink() {
    var plan = new ProtocolsPlan(3, 0, Duration.ZERO, "", Duration.ofMinutes(1));
    Link wan = Link.parse("wan=6MB/20ms");
    double quick = estimate(plan, 1, 1, Link.LOOPBACK, 1_000);
    assertThat(quick).isBetween(3.5, 5.0);
    assertThat(estimate(plan, 1, 16, Link.LOOPBACK, 1_000)).isBetween(3.5, 5.0);
    // 24 requests of 32 pictures in each half, at 100 pictures per second.
    assertThat(estimate(plan, 32, 16, Link.LOOPBACK, 100)).isGreaterThan(15);
    // 19 MB take more than 3 s: three requests in each half, and four besides.
    assertThat(estimate(plan, 32, 1, wan, 1_000)).isBetween(30.0, 36.0);
  }

  private static double estimate(
      ProtocolsPlan plan, int batch, int callers, Link link, double imagesPerSecond) {
    var cell = new ProtocolCell("t", Route.GRPC, Payload.FP32, 0, batch, callers, link, false);
    return ForthAndBack.estimate(cell, plan, imagesPerSecond);
  }
}
