package dev.nereid.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.nereid.client.Endpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectMapper;

@Timeout(120)
final class ProtocolsTest {
  private static TruthProcess truth;

  @TempDir Path folder;

  @BeforeAll
  static void start() throws Exception {
    truth = TruthProcess.start();
  }

  @AfterAll
  static void stop() {
    truth.close();
  }

  private String[] protocols(String... more) {
    String target =
        "known=http://127.0.0.1:%1$d,grpc://127.0.0.1:%2$d,rest://127.0.0.1:%1$d"
            .formatted(truth.httpPort, truth.grpcPort);
    return Stream.concat(
            Stream.of(
                "protocols",
                "--target",
                target,
                "--model",
                "encoded=m:x,fp32=m:x",
                "--batches",
                "1",
                "--concurrency",
                "2",
                "--warmup",
                "0s",
                "--cell-time",
                "100ms",
                "--whole",
                "--resume",
                folder.resolve("cells.jsonl").toString(),
                "--report",
                folder.resolve("report.md").toString()),
            Arrays.stream(more))
        .toArray(String[]::new);
  }

  @Test
  void everyWayIsMeasuredOnceAndTheReportSaysWhatHolds() throws Exception {
    truth.script("service=1000");
    String[] arguments = protocols("--link", "loopback", "--link", "slow=20MB/2ms");
    BenchRun ran = BenchRun.command(arguments);
    assertThat(ran.exit()).as(ran.err()).isZero();
    List<String> cells = Files.readAllLines(folder.resolve("cells.jsonl"));
    // gRPC and binary 2 payloads, JSON 1, REST 2 x 1; 2 links; and a channel per call on one.
    assertThat(cells).hasSize((2 + 2 + 1 + 2) * 2 + 2);
    assertThat(ran.out())
        .contains(
            "## loopback",
            "## slow (20.0 MB/s each way, 4 ms round trip)",
            "known, gRPC, fp32, channel per call",
            "the two halves of a point differ by",
            "processor time of a request, server + tool",
            "Requests up to 64 KB on loopback",
            "\"JPEG wins everywhere\"",
            "Why, as far as the figures tell",
            "A channel for each call over one shared channel, gRPC");
    assertThat(ran.err()).contains("16 points in 2 groups, about", "min to go");
    assertThat(folder.resolve("report.md")).content().isEqualTo(ran.out());
    long asked = truth.asked();
    assertThat(BenchRun.command(arguments).exit()).isZero();
    assertThat(truth.asked() - asked).as("only the answers are checked again").isEqualTo(7);
  }

  @Test
  void serversAreComparedSideBySideWhateverTheirModelsAreCalled() throws Exception {
    String known =
        "http://127.0.0.1:%d,grpc://127.0.0.1:%d".formatted(truth.httpPort, truth.grpcPort);
    BenchRun ran =
        BenchRun.command(
            "protocols",
            "--target=one=" + known,
            "--target=other=" + known,
            "--target=bare=http://127.0.0.1:" + truth.httpPort,
            "--model=fp32=m:x,other/fp32=named:pixels:vector,bare/fp32=wrong",
            "--batches=1",
            "--concurrency=2",
            "--warmup=0s",
            "--cell-time=100ms",
            "--link=loopback",
            "--resume=" + folder.resolve("cells.jsonl"));
    assertThat(ran.exit()).as("one of them answers otherwise").isEqualTo(1);
    assertThat(ran.out())
        .contains(
            "| one, gRPC, fp32 |",
            "| one, HTTP binary, fp32 |",
            "| one, HTTP JSON, fp32 |",
            "| other, gRPC, fp32 |",
            "| other, HTTP binary, fp32 |",
            "| other, HTTP JSON, fp32 |",
            "Not compared: bare/binary/fp32, cosine",
            "Not compared: bare/json/fp32, cosine")
        .doesNotContain("bare, ", "bare/grpc", "failed");
    assertThat(truth.asked("named")).isPositive();
    assertThat(truth.asked("wrong")).as("is asked for its answers only").isEqualTo(2);
    assertThat(Files.readAllLines(folder.resolve("cells.jsonl")))
        .extracting(line -> new ObjectMapper().readTree(line).path("target").asString(""))
        .containsExactly("one", "one", "one", "other", "other", "other");
  }

  @Test
  void smallTensorsAreComparedBySize() throws Exception {
    Path file = folder.resolve("cells.jsonl");
    BenchRun ran =
        BenchRun.command(
            "protocols",
            "--target=t=http://127.0.0.1:%d,grpc://127.0.0.1:%d"
                .formatted(truth.httpPort, truth.grpcPort),
            "--model=tensor=m:x:embedding",
            "--batches=1,4",
            "--tensors=256,65536",
            "--concurrency=2",
            "--warmup=0s",
            "--cell-time=60ms",
            "--resume=" + file);
    assertThat(ran.exit()).as(ran.err()).isZero();
    assertThat(ran.out())
        .contains(
            "## Small tensors on loopback",
            "| way | 256 B | 64 KB |",
            "| t, gRPC, batch 4 |",
            "| t, HTTP JSON, batch 1 |",
            "Requests up to 64 KB on loopback: 4 points.",
            "gRPC is at least as fast as HTTP at every point on loopback")
        .doesNotContain("## lan", "JSON, batch 4", "JPEG wins");
    // gRPC and binary with both batches, JSON with one; two sizes.
    List<JsonNode> cells =
        Files.readAllLines(file).stream().map(new ObjectMapper()::readTree).toList();
    assertThat(cells).hasSize(10);
    for (JsonNode cell : cells) {
      double sent = cell.path("run").path("request_bytes").doubleValue();
      double tensor = cell.path("tensor_bytes").doubleValue();
      assertThat(sent)
          .isBetween(
              tensor,
              cell.path("route").asString("").equals("json") ? 5 * tensor + 200 : tensor + 400);
    }
  }

  @Test
  void pointsForWhichTheBudgetDoesNotSufficeAreLeftForTheNextTime() throws Exception {
    truth.script("service=1000");
    String[] arguments =
        protocols("--link", "loopback", "--link", "slow=1MB/2ms", "--budget", "3500ms");
    BenchRun ran = BenchRun.command(arguments);
    assertThat(ran.exit()).isEqualTo(1);
    assertThat(ran.err()).contains("left out, because the budget does not suffice: 9 points");
    assertThat(ran.out()).contains("7 points measured", "9 not reached in time");
    assertThat(Files.readAllLines(folder.resolve("cells.jsonl"))).hasSize(7);
  }

  @Test
  void theOriginalFlagsNameTargets() {
    BenchRun ran =
        BenchRun.command(
            "protocols",
            "--onnx-http-url",
            "http://127.0.0.1:" + truth.httpPort,
            "--onnx-grpc-url",
            "127.0.0.1:" + truth.grpcPort,
            "--trt-http-url",
            "http://127.0.0.1:1",
            "--skip-trt",
            "--warmup",
            "100ms",
            "--cell-time",
            "100ms",
            "--iterations",
            "6",
            "--model",
            "fp32=m:x",
            "--batches",
            "1",
            "--concurrency",
            "1",
            "--link",
            "loopback");
    assertThat(ran.exit()).as("%s%s", ran.err(), ran.out()).isZero();
    assertThat(ran.out())
        .contains("onnx, gRPC, fp32", "onnx, HTTP JSON, fp32")
        .doesNotContain("trt");
  }

  @Test
  void aLinkCarriesNoMoreThanItsRateAndTakesItsDelay() throws Exception {
    try (var server = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
        var proxy =
            new ShapingProxy(
                new Endpoint("127.0.0.1", server.getLocalPort()), Link.parse("l=4MB/30ms"))) {
      Thread.ofVirtual().start(() -> echoForEver(server));
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), proxy.endpoint().port())) {
        socket.setTcpNoDelay(true);
        long start = System.nanoTime();
        socket.getOutputStream().write(1);
        assertThat(socket.getInputStream().read()).isEqualTo(1);
        assertThat((System.nanoTime() - start) / 1e6).isGreaterThanOrEqualTo(60);
        byte[] much = new byte[2_000_000];
        much[1_999_999] = 7;
        start = System.nanoTime();
        Thread.ofVirtual().start(() -> write(socket, much));
        assertThat(socket.getInputStream().readNBytes(much.length)).isEqualTo(much);
        double seconds = (System.nanoTime() - start) / 1e9;
        assertThat(seconds).isBetween(0.5, 6.0); // 2 MB at 4 MB/s, and the other way meanwhile
      }
    }
  }

  private static void echoForEver(ServerSocket server) {
    try (Socket socket = server.accept()) {
      socket.getInputStream().transferTo(socket.getOutputStream());
    } catch (IOException e) {
      // The test is over.
    }
  }

  private static void write(Socket socket, byte[] bytes) {
    try {
      socket.getOutputStream().write(bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void whatNeighboursTellIsLeftOut() {
    var matrix =
        new ProtocolMatrix(
            List.of("t"),
            List.of(Payload.values()),
            List.of(1, 4, 8, 16, 32),
            List.of(1, 8, 16),
            List.of(Link.LOOPBACK, Link.parse("wan=6MB/20ms")),
            List.of(256, 65_536),
            false);
    ProtocolMatrix.Plan plan = matrix.plan();
    assertThat(plan.prunedCount()).isPositive();
    String ids = plan.cells().stream().map(ProtocolCell::id).collect(Collectors.joining("\n"));
    assertThat(ids)
        .contains(
            "t/grpc/fp32/b1/c16/loopback/shared",
            "t/grpc/fp32/b1/c16/wan/per-call",
            "t/binary/fp32/b1/c16/wan/per-call",
            "t/base64/encoded/b32/c16/wan/shared",
            "t/grpc/tensor-256/b1/c1/loopback/shared",
            "t/binary/tensor-65536/b32/c16/loopback/shared")
        .doesNotContain(
            "/tensor-256/b1/c1/wan",
            "/tensor-256/b4",
            "t/json/tensor-256/b32",
            "t/json/encoded",
            "t/json/fp16",
            "t/json/fp32/b32/c1/wan");
    assertThat(plan.cells().getFirst().link()).isEqualTo(Link.LOOPBACK);
  }

  @Test
  void vectorsAreComparedRowByRow() {
    assertThat(ProtocolsRun.leastCosine(new double[] {1, 0, 0, 1}, new double[] {2, 0, 0, 2}))
        .isEqualTo(1);
    assertThat(ProtocolsRun.leastCosine(new double[] {1, 0, 0, 1}, new double[] {1, 0, 1, 0}))
        .isZero();
    assertThat(ProtocolsRun.leastCosine(new double[] {1}, new double[] {1, 2})).isZero();
  }

  @Test
  void nonsenseIsRefused() {
    assertThatIllegalArgumentException().isThrownBy(() -> Link.parse("wan"));
    assertThatIllegalArgumentException().isThrownBy(() -> ProtocolTarget.parse("nobody"));
    assertThatIllegalArgumentException().isThrownBy(() -> ProtocolTarget.parse("a=ftp://x"));
    assertThatIllegalArgumentException().isThrownBy(() -> Payload.parse("int4"));
    for (String model : List.of("fp32", "/fp32=m", "one/=m")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> ProtocolModels.parse(List.of(model)))
          .withMessageContaining("expected:");
    }
  }

  @Test
  void channelsAreComparedAndTheTableSaysWhichPoolIsWorthIt() throws Exception {
    truth.script("service=2000");
    String state = folder.resolve("state").toString();
    String[] arguments = {
      "connections",
      "-u",
      "127.0.0.1:" + truth.grpcPort,
      "-m",
      "m",
      "--metrics-url",
      "none",
      "--streams",
      "1,8",
      "--pools",
      "1,4",
      "-d",
      "300ms",
      "-w",
      "100ms",
      "--resume",
      state
    };
    BenchRun ran = BenchRun.command(arguments);
    assertThat(ran.exit()).as(ran.err()).isZero();
    assertThat(ran.out()).contains("| 8 | 4 | 4 |", "## What to decide by", "one channel");
    assertThat(ran.out()).contains("measured forth and back");
    assertThat(Files.readAllLines(Path.of(state)))
        .hasSize(3)
        .allMatch(line -> new ObjectMapper().readTree(line).path("halves").size() == 2);
    long asked = truth.asked();
    assertThat(BenchRun.command(arguments).out()).contains("| 8 | 4 | 4 |");
    assertThat(truth.asked()).isEqualTo(asked);
  }
}
