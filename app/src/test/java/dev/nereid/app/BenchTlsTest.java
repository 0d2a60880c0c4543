package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.bench.BenchCommand;
import dev.nereid.client.Endpoint;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.TlsOptions;
import dev.nereid.http.TestCertificates;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The load tool over TLS, with every form of the v2 protocol and data of one's own. */
@Timeout(60)
final class BenchTlsTest {
  private static final TestCertificates AUTHORITY = new TestCertificates("authority");
  private static final TestCertificates STRANGER = new TestCertificates("stranger");
  private static final int REQUESTS = 40;

  @TempDir Path folder;

  private RunningProgram program;

  /** What one run said. */
  private record Ran(int exit, String text, JsonNode report) {}

  @BeforeEach
  void start() throws Exception {
    AUTHORITY.issue("server").writeTo(file("server.crt"), file("server.key"));
    AUTHORITY.writeRoot(file("roots.crt"));
    STRANGER.writeRoot(file("strangers.crt"));
    Path model = Files.createDirectories(file("models").resolve("steady").resolve("1"));
    Files.writeString(model.resolveSibling("config.pbtxt"), SteadyLoad.MODEL);
    program =
        new RunningProgram(
            List.of(file("models")),
            "--http-use-ssl=true",
            "--grpc-use-ssl=true",
            "--grpc-server-cert=" + file("server.crt"),
            "--grpc-server-key=" + file("server.key"));
  }

  @AfterEach
  void stop() {
    program.close();
  }

  private Path file(String name) {
    return folder.resolve(name);
  }

  private Ran bench(String protocol, String... more) throws Exception {
    int port = protocol.equals("grpc") ? program.server.grpcPort() : program.server.httpPort();
    List<String> arguments =
        new ArrayList<>(List.of("-u=localhost:" + port, "-i=" + protocol, "-m=steady", "-c4"));
    arguments.addAll(List.of("-w0s", "-n" + REQUESTS, "--inputs=8", "--verify", "-q"));
    arguments.add("--metrics-url=http://127.0.0.1:" + program.server.metricsPort() + "/metrics");
    arguments.add("--json=" + file("report.json"));
    arguments.addAll(Arrays.asList(more));
    StringWriter text = new StringWriter();
    CommandLine line = new CommandLine(new BenchCommand());
    line.setOut(new PrintWriter(text)).setErr(new PrintWriter(text));
    int exit = line.execute(arguments.toArray(String[]::new));
    JsonMapper json = new JsonMapper();
    return new Ran(
        exit,
        text.toString(),
        exit == 0 ? json.readTree(file("report.json")) : json.createObjectNode());
  }

  private long inferences() {
    Endpoint endpoint = new Endpoint("localhost", program.server.httpPort());
    TlsOptions tls = TlsOptions.trusting(file("roots.crt"));
    try (var client =
        new HttpInferenceClient(HttpOptions.of(endpoint).withTls(tls), program.loops)) {
      return RunningProgram.statistics(client, "steady").inferences();
    }
  }

  @Test
  void everyFormOfTheProtocolIsPressedOverTls() throws Exception {
    String trusting = "--root-cert=" + file("roots.crt");
    long before = inferences();
    double json = 0;
    double binary = 0;
    for (String protocol : List.of("grpc", "http", "http-json")) {
      Ran ran = bench(protocol, trusting);
      assertThat(ran.exit()).as(ran.text()).isZero();
      JsonNode run = ran.report().path("runs").path(0);
      assertThat(ran.report().path("target").path("protocol").asString("")).isEqualTo(protocol);
      assertThat(run.path("completed").intValue()).isEqualTo(REQUESTS);
      assertThat(run.path("failed").intValue()).isZero();
      double bytes = run.path("request_bytes").doubleValue();
      json = protocol.equals("http-json") ? bytes : json;
      binary = protocol.equals("http") ? bytes : binary;
    }
    // Forty counted, and eight by which the right answers are learnt.
    assertThat(inferences() - before).isEqualTo(3 * (REQUESTS + 8));
    assertThat(json).isNotEqualTo(binary);
  }

  @Test
  void aServerThatTheFileDoesNotVouchForIsNotPressed() throws Exception {
    for (String protocol : List.of("grpc", "http")) {
      Ran ran = bench(protocol, "--root-cert=" + file("strangers.crt"));
      assertThat(ran.exit()).as(ran.text()).isEqualTo(1);
      assertThat(ran.text().lines()).hasSize(1);
    }
  }

  @Test
  void valuesOfAFileAreSentAsJsonToo() throws Exception {
    ByteBuffer values = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    values.putFloat(1.5f).putFloat(-2).putFloat(0).putFloat(1e6f);
    Files.write(file("x.bin"), values.array());
    Ran ran = bench("http-json", "--root-cert=" + file("roots.crt"), "--data=x=" + file("x.bin"));
    assertThat(ran.exit()).as(ran.text()).isZero();
    assertThat(ran.report().path("target").path("tensors").asString("")).isEqualTo("x FP32[1,4]");
  }
}
