package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.Endpoint;
import dev.nereid.client.TargetState;
import dev.nereid.client.UpstreamStatus;
import io.netty.buffer.ByteBuf;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the report says of remote servers. */
final class HealthReportTest {
  private static final JsonMapper JSON = new JsonMapper();

  private static UpstreamStatus.Target target(int port, TargetState state) {
    return new UpstreamStatus.Target(
        new Endpoint("gpu", port),
        state,
        "because",
        0,
        0,
        0,
        0,
        new TreeMap<>(),
        UpstreamStatus.Work.NONE,
        new UpstreamStatus.Calls(0, 0, 0, 0, 0, 0),
        List.of(),
        List.of(),
        List.of());
  }

  private static JsonNode report(TargetState... states) {
    UpstreamStatus status =
        new UpstreamStatus(
            IntStream.range(0, states.length).mapToObj(i -> target(i + 1, states[i])).toList(),
            List.of(),
            new UpstreamStatus.Admitted(0, 0, 0, 0),
            0,
            0,
            0);
    ByteBuf told =
        JsonReply.object(
            json ->
                HealthReport.write(json, Serving.Health.GOOD, status, RunningGateway.options()));
    try {
      return JSON.readTree(told.toString(StandardCharsets.UTF_8)).at("/components/upstreams");
    } finally {
      told.release();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "LIVE, LIVE, healthy",
    "LIVE, SLOW, degraded",
    "LIVE, UNREACHABLE, degraded",
    "SLOW, STUCK, degraded",
    "STOPPING, UNKNOWN, unavailable",
    "STUCK, UNREACHABLE, unavailable"
  })
  void serversThatAnswerSlowlyServeAndThoseThatLeaveDoNot(
      TargetState first, TargetState second, String status) {
    JsonNode told = report(first, second);
    assertThat(told.get("status").asString()).isEqualTo(status);
    assertThat(told.get("gpu:1").get("status").asString()).isEqualTo(first.name());
    assertThat(told.get("gpu:2").get("status").asString()).isEqualTo(second.name());
    assertThat(told.get("gpu:2").get("detail").asString()).isEqualTo("because");
  }
}
