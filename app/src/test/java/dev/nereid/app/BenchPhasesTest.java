package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.bench.BenchCommand;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The load tool tells where a server's time went, by what the server says of its phases. */
@Timeout(120)
final class BenchPhasesTest {
  private static final int REQUESTS = 40;

  @TempDir Path folder;

  @Test
  void queueDecodeAndComputeOfPicturesAreInTheReports() throws Exception {
    Path json = folder.resolve("report.json");
    Path html = folder.resolve("report.html");
    StringWriter out = new StringWriter();
    CommandLine bench = new CommandLine(new BenchCommand());
    bench.setOut(new PrintWriter(out)).setErr(new PrintWriter(out));
    try (RunningProgram program = RunningProgram.ofDemoModels()) {
      int exit =
          bench.execute(
              "-u=127.0.0.1:" + program.server.grpcPort(),
              "--metrics-url=http://127.0.0.1:" + program.server.metricsPort() + "/metrics",
              "--model=detect",
              "--images=" + RunningProgram.HOME.resolve("samples"),
              "-c4",
              "-n" + REQUESTS,
              "-w0s",
              "-q",
              "--json=" + json,
              "--html=" + html);
      assertThat(exit).as(out.toString()).isZero();
    }
    JsonNode run = new JsonMapper().readTree(json).path("runs").path(0);
    JsonNode grpc = phasesOf(run, "listener", "grpc");
    for (String phase : List.of("queue", "decode", "preprocess", "compute", "postprocess")) {
      assertThat(grpc.path(phase).path("mean").doubleValue()).as(phase).isPositive();
      // The last may be counted after its answer is here.
      assertThat(grpc.path(phase).path("count").intValue()).isBetween(REQUESTS - 4, REQUESTS);
    }
    assertThat(phasesOf(run, "model", "detect_preprocess").has("decode")).isTrue();
    assertThat(phasesOf(run, "model", "shapes_detector").has("compute")).isTrue();
    assertThat(out.toString()).containsPattern("over grpc: queue \\S+, decode \\S+, preprocess ");
    assertThat(Files.readString(html)).contains("\"decode\"");
  }

  private static JsonNode phasesOf(JsonNode run, String member, String name) {
    for (JsonNode times : run.path("phases")) {
      if (times.path(member).asString("").equals(name)) {
        return times.path("phases");
      }
    }
    throw new AssertionError(member + " " + name + ": not in " + run.path("phases"));
  }
}
