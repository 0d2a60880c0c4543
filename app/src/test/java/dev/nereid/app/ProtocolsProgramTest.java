package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.bench.BenchCommand;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import picocli.CommandLine;

/** Every protocol and every form of a picture, to one model of the whole program. */
@Timeout(120)
final class ProtocolsProgramTest {
  @Test
  void everyWayGivesTheSameVectorsAndIsMeasured() throws Exception {
    var repositories =
        List.of(
            RunningProgram.HOME.resolve("models"),
            RunningProgram.HOME.resolve("benchmarks/protocols/demo"));
    try (var program = new RunningProgram(repositories)) {
      String target =
          "nereid=http://127.0.0.1:%d,grpc://127.0.0.1:%d,rest://127.0.0.1:%d,metrics://127.0.0.1:%d"
              .formatted(
                  program.server.httpPort(),
                  program.server.grpcPort(),
                  program.server.gatewayPort(),
                  program.server.metricsPort());
      StringWriter out = new StringWriter();
      StringWriter err = new StringWriter();
      CommandLine line = new CommandLine(new BenchCommand());
      line.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
      int exit =
          line.execute(
              "protocols",
              "--target",
              target,
              "--batches",
              "2",
              "--concurrency",
              "2",
              "--tensors=256",
              "--link",
              "loopback",
              "--warmup",
              "100ms",
              "--cell-time",
              "100ms",
              "--whole");
      assertThat(exit).as("%s%s", err, out).isZero();
      assertThat(out.toString())
          .contains(
              "| nereid, gRPC, uint8 |",
              "| nereid, gRPC, fp16 |",
              "| nereid, HTTP JSON, fp32 |",
              "| nereid, REST multipart, encoded |",
              "| nereid, HTTP JSON, batch 2 |",
              "Requests up to 64 KB on loopback: 2 points",
              "processor time of a request, server + tool",
              "On loopback, gRPC over HTTP")
          .doesNotContain("Not compared", "failed");
    }
  }
}
