package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.nereid.telemetry.Metrics;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class ListenerOptionsTest {
  @Test
  void defaultsAreTheDocumentedOnes() {
    assertThat(ListenerOptions.of("http", 8000))
        .isEqualTo(
            new ListenerOptions(
                "http",
                new ListenerOptions.Address("0.0.0.0", 8000, 1024, ""),
                new ListenerOptions.Limits(65_536, 8192, 32_768, 64 << 20, 32_768, 4L << 30),
                new ListenerOptions.Timeouts(
                    Duration.ofSeconds(75), Duration.ofSeconds(20), 65_536, Duration.ZERO)));
  }

  @Test
  void refusesNonsense() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ListenerOptions.of("http", 70_000))
        .withMessage("port: 70000 (expected: 0 to 65535)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ListenerOptions.Limits.DEFAULT.withBodyBytes(0))
        .withMessage("body-bytes: 0 (expected: 1 to 2147483647)");
  }

  @Test
  void headersRefuseLineEnds() {
    assertThat(ResponseHeaders.of("a", "b").with("n", 5)).hasToString("a: b\r\nn: 5\r\n");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ResponseHeaders.of("a", "b\r\nset-cookie: c"));
    assertThatIllegalArgumentException().isThrownBy(() -> ResponseHeaders.of("a b", "c"));
    assertThatIllegalArgumentException().isThrownBy(() -> ResponseHeaders.of("", "c"));
  }

  @Test
  void publishesWhatAListenerCounts() throws Exception {
    var metrics = new Metrics();
    var listenerMetrics = new ListenerMetrics(metrics, "test");
    try (var running = RunningListener.of(RunningListener::echo);
        var listener =
            new HttpListener(
                RunningListener.limited(10),
                new ListenerServices(
                    running.loops,
                    running.memory,
                    System::nanoTime,
                    listenerMetrics,
                    AccessLog.OFF,
                    RefusalAnswers.json()),
                RunningListener::echo)) {
      listenerMetrics.observe(listener);
      listener.start();
      try (var wire = new Wire(listener.port())) {
        wire.post("/", new byte[5]).receive();
        wire.post("/", new byte[50]).receive();
        assertThat(metrics.scrape())
            .contains("nereid_http_requests_total{listener=\"test\",status=\"200\"} 1")
            .contains("nereid_http_requests_total{listener=\"test\",status=\"413\"} 1")
            .contains("nereid_http_refusals_total{listener=\"test\",limit=\"body_too_large\"} 1")
            .contains("nereid_http_refusals_total{listener=\"test\",limit=\"slow\"} 0")
            .contains("nereid_connections{listener=\"test\"} 1")
            .contains("nereid_in_flight_requests{listener=\"test\"} 0");
      }
    }
  }
}
