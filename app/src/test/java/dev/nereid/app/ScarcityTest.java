package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nereid.client.CallFailure;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferResult;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.InferenceException;
import dev.nereid.core.Shape;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server that the machine gives too little: no room on the disk, no memory, no steady clock. */
@Timeout(180)
final class ScarcityTest {
  private static final String BIG =
      """
      backend: "identity"
      input { name: "x" data_type: TYPE_FP32 dims: [ -1 ] }
      output { name: "y" data_type: TYPE_FP32 dims: [ -1 ] }
      """;

  @TempDir Path folder;

  private Path repository;
  private Path temporary;

  @BeforeEach
  void aRepository() throws IOException {
    repository = Files.createDirectory(folder.resolve("repository"));
    temporary = Files.createDirectory(folder.resolve("tmp"));
    model("steady", SteadyLoad.MODEL);
    model("big", BIG);
  }

  private Path model(String name, String config) throws IOException {
    Path version = Files.createDirectories(repository.resolve(name).resolve("1"));
    Files.writeString(repository.resolve(name).resolve("config.pbtxt"), config);
    return version;
  }

  /** What is done to a server. */
  private interface Trial {
    void of(ChildServer server, InferenceClient http, InferenceClient grpc) throws Exception;
  }

  /** Puts a server on trial while others ask it over both protocols. */
  private void whileOthersAreServed(ChildServer.Start start, Trial trial) throws Exception {
    try (ChildServer server = new ChildServer(repository, start);
        EventLoops loops = EventLoops.of(2);
        var http = new HttpInferenceClient(at(server), loops);
        var grpc = new GrpcInferenceClient(overGrpc(server), loops)) {
      try (var steadyHttp = new HttpInferenceClient(at(server), loops);
          var steadyGrpc = new GrpcInferenceClient(overGrpc(server), loops);
          var others = new SteadyLoad(steadyHttp, steadyGrpc)) {
        others.awaitAnswers(10);
        trial.of(server, http, grpc);
        others.awaitAnswers(20);
      } finally {
        assertThat(server.isAlive()).as("%s", server.output()).isTrue();
      }
      assertThat(http.isReady()).isTrue();
      assertThat(grpc.isReady()).isTrue();
    }
  }

  private static HttpOptions at(ChildServer server) {
    return HttpOptions.of(RunningProgram.at(server.httpPort()));
  }

  private static GrpcOptions overGrpc(ChildServer server) {
    return GrpcOptions.of(RunningProgram.at(server.grpcPort()));
  }

  private static String post(ChildServer server, String path, String body) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + server.httpPort() + path);
    try (HttpClient client = HttpClient.newHttpClient()) {
      HttpResponse<String> response =
          client.send(
              HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.ofString(body)).build(),
              HttpResponse.BodyHandlers.ofString());
      return response.statusCode() + response.body();
    }
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(5_000_000);
    }
  }

  /** A load that brings a file of so many bytes along. */
  private static String loadWithFile(int bytes) {
    String config =
        """
        {"backend": "identity", "max_batch_size": 8,
         "input": [{"name": "x", "data_type": "TYPE_FP32", "dims": [4]}],
         "output": [{"name": "y", "data_type": "TYPE_FP32", "dims": [4]}]}\
        """;
    return "{\"parameters\":{\"config\":\"%s\",\"file:1/model.bin\":\"%s\"}}"
        .formatted(
            config.replace("\n", " ").replace("\"", "\\\""),
            Base64.getEncoder().encodeToString(new byte[bytes]));
  }

  private List<Path> leftOver(String prefix) throws IOException {
    try (var files = Files.list(temporary)) {
      return files.filter(file -> String.valueOf(file.getFileName()).startsWith(prefix)).toList();
    }
  }

  /**
   * The disk takes no file above 64 KiB, as a quota does, and what is logged goes to a disk that is
   * full. There is room again later.
   */
  @Test
  void aFullDiskFailsTheLoadsThatNeedItAndNothingElse() throws Exception {
    assumeTrue(Files.exists(Path.of("/dev/full")), "no /dev/full");
    assumeTrue(Files.exists(Path.of("/usr/bin/prlimit")), "no prlimit");
    Path onnx = model("onnx", "backend: \"onnxruntime\" max_batch_size: 8");
    Files.copy(
        RunningProgram.HOME.resolve("models/simple/1/model.onnx"), onnx.resolve("model.onnx"));
    var start =
        new ChildServer.Start(
            "ulimit -S -f 128",
            Map.of(),
            List.of("-Djava.io.tmpdir=" + temporary, "-Dnereid.cache=" + temporary),
            List.of(
                "--model-control-mode=explicit",
                "--load-model=steady",
                "--access-log-file=/dev/full",
                "--log-file=/dev/full"));
    whileOthersAreServed(
        start,
        (server, http, grpc) -> {
          String load = "/v2/repository/models/sent/load";
          assertThat(post(server, load, loadWithFile(1 << 20)))
              .startsWith("500")
              .contains("failed to write the model override to disk");
          assertThat(leftOver("nereid-override-")).isEmpty();
          assertThat(post(server, load, loadWithFile(1 << 10))).isEqualTo("200");
          assertThat(http.isModelReady("sent")).isTrue();
          assertThat(post(server, "/v2/repository/models/onnx/load", ""))
              .startsWith("4")
              .contains("onnx");
          assertThat(http.isModelReady("onnx")).isFalse();
          assertThat(
                  new ProcessBuilder(
                          "prlimit", "--pid", Long.toString(server.pid()), "--fsize=unlimited")
                      .start()
                      .waitFor())
              .isZero();
          assertThat(post(server, load, loadWithFile(1 << 20))).isEqualTo("200");
          assertThat(http.isReady()).as("a model could not be loaded").isFalse();
          assertThat(post(server, "/v2/repository/models/onnx/unload", "")).isEqualTo("200");
        });
  }

  /** The server's process sees another time than everybody else, and that changes twice. */
  @Test
  void aClockThatIsSetAheadAndBackMattersToNobody() throws Exception {
    Path clock = clock();
    Path offset = Files.writeString(folder.resolve("offset"), "0");
    model("slow", SteadyLoad.MODEL.replace("identity", "delay"));
    var start =
        new ChildServer.Start(
            "",
            Map.of("LD_PRELOAD", clock.toString(), "WALL_CLOCK_OFFSET", offset.toString()),
            List.of(),
            List.of(
                "--model-control-mode=poll",
                "--repository-poll-secs=1",
                "--access-log-file=" + folder.resolve("access.log")));
    whileOthersAreServed(
        start,
        (server, http, grpc) -> {
          for (long seconds : new long[] {400 * 86_400L, -30 * 86_400L, 0}) {
            Path next = Files.writeString(folder.resolve("next"), Long.toString(seconds));
            Files.move(next, offset, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
            for (InferenceClient client : List.of(http, grpc)) {
              assertThat(slow(client, 200, 5_000)).as("a deadline ahead").isEqualTo("answered");
              assertThat(slow(client, 5_000, 200)).as("a deadline that ends").isEqualTo("late");
            }
            model("found" + Math.abs(seconds), SteadyLoad.MODEL);
            await("looked at", () -> http.isModelReady("found" + Math.abs(seconds)));
          }
        });
    List<String> years =
        Files.readAllLines(folder.resolve("access.log")).stream()
            .map(line -> line.substring(0, 7))
            .distinct()
            .toList();
    assertThat(years).as("the process did see those times").hasSizeGreaterThanOrEqualTo(3);
  }

  private Path clock() throws Exception {
    Path source = Path.of(Objects.requireNonNull(getClass().getResource("/wall-clock.c")).toURI());
    Path clock = folder.resolve("wall-clock.so");
    Process compiler;
    try {
      compiler =
          new ProcessBuilder(
                  "cc", "-shared", "-fPIC", "-o", clock.toString(), source.toString(), "-ldl")
              .inheritIO()
              .start();
    } catch (IOException e) {
      assumeTrue(false, "no C compiler: " + e.getMessage());
      throw e;
    }
    assumeTrue(compiler.waitFor() == 0, "the clock does not compile here");
    return clock;
  }

  private static String slow(InferenceClient client, long delayMillis, long patienceMillis)
      throws Exception {
    InferCall call =
        InferCall.of("slow", InferInput.floats("x", Shape.of(1, 4), 1, 2, 3, 4))
            .withParameters(Map.of("delay_ms", delayMillis))
            .withTimeout(Duration.ofMillis(patienceMillis));
    long sent = System.nanoTime();
    try {
      assertThat(client.infer(call).get(20, TimeUnit.SECONDS).output("y").floats()).startsWith(1);
      return "answered";
    } catch (ExecutionException e) {
      assertThat(System.nanoTime() - sent)
          .isBetween(Duration.ofMillis(150).toNanos(), Duration.ofMillis(4_000).toNanos());
      return "late";
    }
  }

  /** Four hundred megabytes asked at once of a server that may have ninety-six. */
  @Test
  void directMemoryThatIsUsedUpRefusesWhatNeedsMuchAndNothingElse() throws Exception {
    var start =
        new ChildServer.Start(
            "",
            Map.of(),
            List.of("-XX:MaxDirectMemorySize=96m"),
            List.of("--access-log=off", "--slow-request-ms=0"));
    whileOthersAreServed(
        start,
        (server, http, grpc) -> {
          for (int round = 0; round < 2; round++) {
            int answered = 0;
            List<CompletableFuture<InferResult>> pending = new ArrayList<>();
            for (int i = 0; i < 48; i++) {
              // Sizes of all kinds, so that what is kept of one does not fit another.
              int floats = (1 << 20) + ((i + round) % 7 << 18);
              pending.add((i % 2 == 0 ? http : grpc).infer(big(floats)));
            }
            for (CompletableFuture<InferResult> each : pending) {
              answered += outcome(each) ? 1 : 0;
            }
            assertThat(answered).as("answered of 48").isPositive();
          }
          for (InferenceClient client : List.of(http, grpc)) {
            for (int floats = 1 << 14; floats <= 1 << 21; floats *= 2) {
              InferCall call = big(floats);
              await("room again, and a connection", () -> answers(client, call));
            }
          }
        });
  }

  private static InferCall big(int floats) {
    return InferCall.of("big", InferInput.floats("x", Shape.of(floats), new float[floats]))
        .withTimeout(Duration.ofSeconds(60));
  }

  /**
   * Whether it was answered; if not, it was refused as a server with too much to do refuses, or its
   * connection or call, which brought too much, was ended.
   */
  private static boolean outcome(CompletableFuture<InferResult> pending) throws Exception {
    try {
      var _ = pending.get(90, TimeUnit.SECONDS);
      return true;
    } catch (ExecutionException e) {
      if (e.getCause() instanceof InferenceException failed) {
        assertThat(failed.failure().kind())
            .as("%s", failed)
            .isIn(CallFailure.Kind.SERVER, CallFailure.Kind.LOST, CallFailure.Kind.CANCELLED);
        return false;
      }
      throw e;
    }
  }

  private static boolean answers(InferenceClient client, InferCall call) {
    try {
      return outcome(client.infer(call));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }
}
