package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.Phase;
import dev.nereid.core.Timings;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What headers and logs tell of where the time went. */
final class ServerTimingTest {
  private static final Timings NET =
      new Timings(2_000_000, 2_500_000, 2_600_000, 14_900_000, 15_000_000);
  private static final Timings PICTURES =
      Timings.ofEnsemble(
          1_000_000,
          15_100_000,
          List.of(
              new Timings.Step(
                  "pre \"1\"",
                  new Timings(
                      1_000_000,
                      1_004_000,
                      1_004_000,
                      2_000_000,
                      2_000_000,
                      Phase.PREPROCESS,
                      600_000,
                      List.of())),
              new Timings.Step("net", NET)));

  private static AccessLine line(Timings timings, long encodeNanos) {
    return new AccessLine(
        0,
        new InetSocketAddress(InetAddress.getLoopbackAddress(), 7),
        "POST",
        "/x",
        "200",
        3,
        4,
        123_456_789,
        "id-7",
        timings,
        encodeNanos,
        "",
        "",
        -1,
        "");
  }

  private static String logged(boolean json, AccessLine line) {
    StringBuilder text = new StringBuilder();
    new AccessFormat(json, "test").append(text, line);
    return text.toString();
  }

  @Test
  void theHeaderTellsEachPhaseThatTookTime() {
    assertThat(ServerTiming.text(NET, 8_000, 13_200_000))
        .isEqualTo("queue;dur=0.500, compute;dur=12.500, encode;dur=0.008, total;dur=13.200");
  }

  @Test
  void theHeaderTellsTheStepsOfAnEnsemble() {
    assertThat(ServerTiming.text(PICTURES, 8_000, 1_014_200_000))
        .isEqualTo(
            "queue;dur=0.504, decode;dur=0.600, preprocess;dur=0.396, compute;dur=12.500,"
                + " encode;dur=0.008, step;desc=\"pre _1_\";dur=1.000,"
                + " step;desc=\"net\";dur=13.000, total;dur=1014.200");
  }

  @Test
  void theHeaderComesBehindOthers() {
    ResponseHeaders headers = ResponseHeaders.of("a", "b").withTiming(NET, 1_000, 2_000_000);
    assertThat(headers.toString())
        .isEqualTo(
            "a: b\r\nserver-timing: queue;dur=0.500, compute;dur=12.500, encode;dur=0.001,"
                + " total;dur=2.000\r\n");
  }

  @Test
  void theAccessLogTellsPhasesAndSteps() {
    assertThat(logged(false, line(PICTURES, 8_000)))
        .endsWith(
            "127.0.0.1:7 POST /x 200 4 123.456ms id-7 queue=0.504 decode=0.600 preprocess=0.396"
                + " compute=12.500 encode=0.008 steps=pre \\\"1\\\":1.000,net:13.000\n");
    assertThat(logged(true, line(PICTURES, 8_000)))
        .endsWith(
            "\"ms\":123.456,\"id\":\"id-7\",\"phases\":{\"queue\":0.504,\"decode\":0.600,"
                + "\"preprocess\":0.396,\"compute\":12.500,\"encode\":0.008},"
                + "\"steps\":{\"pre \\\"1\\\"\":1.000,\"net\":13.000}}\n");
    assertThat(logged(true, line(NET, 0))).endsWith("\"compute\":12.500}}\n");
  }

  @Test
  void theSlowLogTellsThemToo() {
    StringBuilder text = new StringBuilder();
    new AccessFormat(false, "test").appendSlow(text, line(NET, 8_000));
    assertThat(text.toString())
        .isEqualTo(
            "test: POST /x took 123 ms, status 200, 3 bytes in, 4 out, id id-7; ms: queue=0.500"
                + " compute=12.500 encode=0.008");
    text.setLength(0);
    new AccessFormat(false, "test").appendSlow(text, line(Timings.NONE, 0));
    assertThat(text.toString())
        .isEqualTo("test: POST /x took 123 ms, status 200, 3 bytes in, 4 out, id id-7");
  }
}
