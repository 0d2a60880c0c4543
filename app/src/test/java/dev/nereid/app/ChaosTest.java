package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.bench.ChaosPlan;
import dev.nereid.bench.ChaosReport;
import dev.nereid.bench.ChaosRun;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The whole program, treated badly for a while. */
@Timeout(120)
final class ChaosTest {
  private static final Duration A_WHILE = Duration.ofSeconds(7);
  private static final Path MODELS = RunningProgram.HOME.resolve("benchmarks/chaos/models");

  @Test
  void badTreatmentLeavesNoWrongAnswerAndNoOpenLease() throws Exception {
    try (var program = new RunningProgram(List.of(MODELS))) {
      var plan =
          new ChaosPlan(
              RunningProgram.at(program.server.grpcPort()),
              RunningProgram.at(program.server.httpPort()),
              URI.create("http://127.0.0.1:" + program.server.metricsPort() + "/metrics"),
              List.of("steady", "chain", "fork"),
              List.of("failing", "throwing", "broken_chain", "broken_fork"),
              null,
              16,
              A_WHILE,
              20261120);
      ChaosReport report = new ChaosRun(plan, line -> {}).run();
      assertThat(report.violations()).as(report.text()).isEmpty();
      assertThat(report.openLeases()).isZero();
    }
  }
}
