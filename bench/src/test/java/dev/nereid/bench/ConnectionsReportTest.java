package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What the table to decide by says of figures that are known. */
final class ConnectionsReportTest {
  private final Map<String, JsonNode> cells = new LinkedHashMap<>();

  /** A point of 16 streams: requests per second, p99 and processor time, both in microseconds. */
  private void point(int channels, double throughput, double p99, String serverCpu) {
    cells.put(
        channels + " channels",
        ReportJson.MAPPER.readTree(
            """
            {"channels":%1$d,"streams":16,"server_memory":1e8,"halves":[%2$s,%2$s],
             "run":{"throughput":%2$s,"latency":{"p50":100.0,"p99":%3$s},
                    "server_cpu_per_request":%4$s,"models":[],
                    "connections":1,"failed":0,"client_is_bottleneck":false}}"""
                .formatted(channels, throughput, p99, serverCpu)));
  }

  private String report() {
    var target = new LinkedHashMap<>(Map.of("url", "127.0.0.1:8001"));
    target.put("protocol", "grpc");
    target.put("model", "m");
    target.put("batch", "1");
    target.put("channels", "8");
    return new ConnectionsReport(Environment.now(), target, cells).text();
  }

  @Test
  void aPoolIsWorthItThatIsFasterAndCostsTheServerNoMore() {
    point(1, 1_000, 2_000, "20.0");
    point(4, 1_150, 2_100, "20.9");
    assertThat(report()).contains("| 16 | 1,000/s | 4 | 1.15 | 1.05 | 1.05 | 1.00 | 4 channels |");
  }

  @Test
  void aPoolThatCostsTheServerMoreIsNotWorthItHoweverFast() {
    point(1, 1_000, 2_000, "20.0");
    point(4, 1_400, 1_860, "24.0");
    assertThat(report()).contains("| 1.40 | 0.93 | 1.20 | 1.00 | one channel: server CPU 1.20 |");
  }

  @Test
  void aPoolThatMakesTheOtherOfBothWorseIsNotWorthIt() {
    point(1, 1_000, 2_000, "20.0");
    point(4, 1_110, 2_360, "20.0");
    assertThat(report()).contains("one channel: p99 1.18 |");
    point(4, 850, 1_000, "20.0");
    assertThat(report()).contains("one channel: throughput 0.85 |");
  }

  @Test
  void aPoolThatIsLittleBetterIsNotWorthIt() {
    point(1, 1_000, 2_000, "20.0");
    point(4, 1_090, 1_820, "19.0");
    assertThat(report()).contains("one channel: nothing better by a tenth |");
  }

  @Test
  void aPoolWithShorterTailsAloneIsWorthIt() {
    point(1, 1_000, 2_000, "20.0");
    point(4, 1_000, 1_700, "20.0");
    assertThat(report()).contains("| 1.00 | 0.85 | 1.00 | 1.00 | 4 channels |");
  }

  @Test
  void ofSeveralTheFastestThatIsWorthItIsShown() {
    point(1, 1_000, 2_000, "20.0");
    point(4, 1_200, 2_000, "20.0");
    point(8, 1_500, 2_000, "30.0");
    assertThat(report()).contains("| 4 | 1.20 | 1.00 | 1.00 | 1.00 | 4 channels |");
  }

  @Test
  void whatTheServerDoesNotSayDecidesNothing() {
    point(1, 1_000, 2_000, "null");
    point(4, 1_200, 2_000, "null");
    assertThat(report()).contains("| 4 | 1.20 | 1.00 | - | 1.00 | 4 channels |");
  }

  @Test
  void theHeadNamesWhatWasPressedAndHowFarTheHalvesDiffer() {
    point(1, 1_000, 2_000, "20.0");
    assertThat(report())
        .contains("Server: 127.0.0.1:8001, protocol grpc, model m, batch 1.\n")
        .contains("measured forth and back; the two halves of a point differ by 0.0 %")
        .contains("benchmarks/shared-batches.sh");
  }
}
