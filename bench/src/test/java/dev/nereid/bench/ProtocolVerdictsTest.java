package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** What is said of known sentences follows from the points measured, and from how far they sway. */
final class ProtocolVerdictsTest {
  private static final Link WAN = Link.parse("wan=6MB/20ms");

  private final List<JsonNode> cells = new ArrayList<>();

  /** Speeds forth and back. */
  private ObjectNode cell(Route route, String payload, int batch, int callers, double... halves) {
    double mean = (halves[0] + halves[1]) / 2;
    ObjectNode cell = CellStore.newCell("" + cells.size());
    cell.put("target", "t").put("route", route.id()).put("payload", payload);
    cell.put("batch", batch).put("concurrency", callers).put("link", "loopback");
    cell.put("per_call", false).put("images_per_second", mean);
    cell.putArray("halves").add(halves[0]).add(halves[1]);
    ObjectNode run = cell.putObject("run");
    run.put("wire_bytes_out_per_request", payload.equals("encoded") ? 8_000.0 : 600_000.0 * batch);
    run.put("client_busiest_thread", 0.3);
    run.put("server_cpu_per_request", 10.0).put("client_cpu_per_request", 5.0);
    run.put("throughput", mean / batch).putObject("latency").put("mean", 1e6 / mean);
    cells.add(cell);
    return cell;
  }

  /** gRPC so many times as fast as HTTP, where the halves of each sway by so much. */
  private void pair(String payload, int batch, int callers, double ratio, double sway) {
    cell(Route.GRPC, payload, batch, callers, 100 * ratio * (1 + sway), 100 * ratio * (1 - sway));
    cell(Route.BINARY, payload, batch, callers, 100, 100);
  }

  private String text() {
    return new ProtocolVerdicts(cells, List.of(Link.LOOPBACK, WAN), 2).text();
  }

  private static String said(String sentence, String verdict) {
    return "\"%s\" (one shared channel): **%s**".formatted(sentence, verdict);
  }

  @Test
  void aSentenceHoldsWhereEveryPointSaysSoBeyondChance() {
    pair("fp32", 1, 1, 0.8, 0.01);
    for (int batch : new int[] {4, 8, 16, 32}) {
      pair("fp32", batch, 1, 1.55, 0.01);
    }
    pair("fp32", 1, 16, 0.4, 0.01);
    assertThat(text())
        .contains(
            said("gRPC is slower at batch 1", "holds"),
            said("gRPC is 1.4 to 1.7 times faster from batch 4", "holds"),
            said("gRPC breaks down at 16 in flight", "holds"),
            "| gRPC is slower at batch 1 | one shared channel | loopback | holds | 1, 0, 0 |");
  }

  @Test
  void aSentenceDoesNotHoldWhereOnePointContradictsItBeyondChance() {
    pair("fp32", 1, 1, 1.1, 0.01);
    pair("fp32", 4, 1, 1.55, 0.01);
    pair("fp32", 8, 1, 0.9, 0.01);
    pair("fp32", 1, 16, 0.95, 0.01);
    assertThat(text())
        .contains(
            said("gRPC is slower at batch 1", "does not hold"),
            said("gRPC is 1.4 to 1.7 times faster from batch 4", "does not hold")
                + ". Of 2 points 1 say so, 1 the contrary, 0 neither",
            said("gRPC breaks down at 16 in flight", "does not hold"));
  }

  @Test
  void theSameRatiosAreNotDistinguishableWhereTheHalvesSwayAsMuch() {
    for (int batch : new int[] {1, 4, 8, 16}) {
      pair("fp32", batch, 1, batch == 1 ? 0.95 : 1.35, 0.2);
    }
    assertThat(text())
        .contains(
            said("gRPC is slower at batch 1", "not distinguishable"),
            said("gRPC is 1.4 to 1.7 times faster from batch 4", "not distinguishable"))
        .doesNotContain("**holds**", "**does not hold**", "breaks down");
  }

  @Test
  void smallRequestsAreJudgedPointByPointAndThoseBehindAreExplained() {
    String sentence = "Up to 64 KB gRPC is at least as fast as HTTP at every point on loopback";
    for (int bytes : new int[] {256, 4_096, 65_536}) {
      tensors(bytes, 1.02);
    }
    assertThat(text()).contains(said(sentence, "holds"), "3 points");
    tensors(16_384, 0.85);
    tensors(1 << 20, 0.3);
    assertThat(text())
        .contains(
            said(sentence, "does not hold") + ". Of 4 points 3 say so, 1 the contrary",
            "  * t, tensor-16384, batch 1, 1 in flight: 0.85 (0.8",
            "limited by waiting",
            "Larger ones on loopback: 1 points. Ratios: 0.30");
  }

  private void tensors(int bytes, double ratio) {
    pair("tensor-" + bytes, 1, 1, ratio, 0.002);
    for (JsonNode cell : cells.subList(cells.size() - 2, cells.size())) {
      ((ObjectNode) cell).put("tensor_bytes", bytes);
    }
  }

  @Test
  void filesAreComparedWithTheBestTensorsOfEachLinkAndTheLinkSaysWhy() {
    pair("fp32", 1, 1, 1.2, 0.01);
    cell(Route.GRPC, "encoded", 1, 1, 100, 101);
    for (JsonNode cell : List.copyOf(cells)) {
      ObjectNode slow = ((ObjectNode) cell).deepCopy();
      cells.add(slow.put("link", WAN.name()));
    }
    for (JsonNode cell : cells.subList(3, 5)) {
      ((ObjectNode) cell).put("images_per_second", 9.5);
      ((ObjectNode) cell.path("run")).put("throughput", 9.5);
    }
    assertThat(text())
        .contains(
            "over the best way to send tensors): **does not hold**. Of 2 points 1 say so, 1 the"
                + " contrary",
            "| JPEG wins everywhere | - | wan | holds | 1, 0, 0 | 10.58, 10.58, 10.58 |",
            "files fill the link up to 13 %, FP32 up to 95 %");
  }

  @Test
  void aChannelForEachCallIsComparedWithASharedOne() {
    cell(Route.GRPC, "fp32", 1, 1, 100, 100);
    ObjectNode perCall = cell(Route.GRPC, "fp32", 1, 1, 50, 50).put("per_call", true);
    ((ObjectNode) perCall.path("run")).put("server_cpu_per_request", 35.0);
    assertThat(text())
        .contains(
            "A channel for each call over one shared channel, gRPC: 0.50, 0.50, 0.50 times as fast",
            "an answer 10.00ms later at the median, 25.0us more processor time");
  }

  @Test
  void intervalsWidenWithTheSwayAndWithTheNumberOfPoints() {
    pair("fp32", 1, 1, 1, 0.05);
    SpeedRatio one = SpeedRatio.of(cells.get(0), cells.get(1));
    // The halves differ by 0.1, the mean is off by half of that, and 95 % lie within 12.7 of it.
    assertThat(Interval.student(1, 0.05)).isCloseTo(Interval.student(1), within(0.02));
    assertThat(Interval.student(1_000, 0.05)).isCloseTo(1.962, within(0.002));
    assertThat(Interval.student(1_000, 0.001)).isCloseTo(3.30, within(0.01));
    Interval alone = SpeedRatio.intervals(List.of(one), List.of(one)).getFirst();
    Interval among = SpeedRatio.intervals(List.of(one), List.of(one, one, one, one)).getFirst();
    Interval many = SpeedRatio.intervals(List.of(one, one), List.of(one, one, one, one)).getFirst();
    assertThat(among.high()).isLessThan(alone.high());
    assertThat(many.high()).isBetween(among.high(), alone.high());
    assertThat(many.low() * many.high()).isCloseTo(1, within(1e-9));
    cells.forEach(cell -> ((ObjectNode) cell).remove("halves"));
    Interval unknown = SpeedRatio.intervals(List.of(one), List.of(one)).getFirst();
    assertThat(String.format(Locale.ROOT, "%.0f %.0f", unknown.low(), unknown.high()))
        .isEqualTo("0 Infinity");
  }
}
