package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferenceClient;
import dev.nereid.core.Shape;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What breaks around a server that serves: files, models, clients. Others are answered throughout,
 * health tells the truth, and the server recovers by itself.
 */
@Timeout(120)
final class FaultsTest {
  private static final String MISBEHAVING =
      SteadyLoad.MODEL.replace("identity", "misbehaving") + "dynamic_batching { }\n";

  @TempDir Path folder;

  private final HttpClient http = HttpClient.newHttpClient();
  private Path repository;

  @BeforeEach
  void aRepository() throws IOException {
    repository = Files.createDirectory(folder.resolve("repository"));
    model("steady", SteadyLoad.MODEL);
    model("other", SteadyLoad.MODEL);
  }

  @AfterEach
  void nothingHangsOn() {
    MisbehavingProvider.letGo();
    http.close();
  }

  private void model(String name, String config) throws IOException {
    Files.createDirectories(repository.resolve(name).resolve("1"));
    Files.writeString(repository.resolve(name).resolve("config.pbtxt"), config);
  }

  /** What is done while others are served. */
  private interface Mischief {
    void on(RunningProgram program, InferenceClient client, SteadyLoad others) throws Exception;
  }

  private void whileOthersAreServed(Mischief mischief, String... flags) throws Exception {
    try (var program = new RunningProgram(List.of(repository), flags);
        HttpInferenceClient client = program.http(8);
        HttpInferenceClient http = program.http(2);
        GrpcInferenceClient grpc = program.grpc(1)) {
      try (var others = new SteadyLoad(http, grpc)) {
        others.awaitAnswers(10);
        mischief.on(program, client, others);
      }
      assertThat(client.isLive()).isTrue();
      assertThat(client.isReady()).isTrue();
    }
  }

  private String post(RunningProgram program, String path) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + program.server.httpPort() + path);
    HttpResponse<String> response =
        http.send(
            HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.noBody()).build(),
            HttpResponse.BodyHandlers.ofString());
    return response.statusCode() + response.body();
  }

  private String load(RunningProgram program, String model) throws Exception {
    return post(program, "/v2/repository/models/" + model + "/load");
  }

  private static InferCall call(String model, String mood) {
    return InferCall.of(model, InferInput.floats("x", Shape.of(1, 4), 1, 2, 3, 4))
        .withParameters(Map.of("mood", mood));
  }

  private static float[] answer(InferenceClient client, InferCall call) throws Exception {
    return client.infer(call).get(20, TimeUnit.SECONDS).output("y").floats();
  }

  private static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(5_000_000);
    }
  }

  /** Not by permissions, which do not stop root. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aRepositoryThatIsGoneStopsLoadsAndNothingElse(boolean aFileInItsPlace) throws Exception {
    Path elsewhere = folder.resolve("elsewhere");
    whileOthersAreServed(
        (program, client, others) -> {
          assertThat(load(program, "other")).isEqualTo("200");
          Files.move(repository, elsewhere);
          if (aFileInItsPlace) {
            Files.writeString(repository, "no directory");
          }
          assertThat(load(program, "other"))
              .startsWith("500")
              .contains("failed to load 'other'", repository + ": ");
          assertThat(post(program, "/v2/repository/index"))
              .startsWith("200")
              .contains("\"name\":\"steady\"");
          assertThat(client.isReady()).as("what is served is served").isTrue();
          assertThat(answer(client, call("other", ""))).startsWith(1);
          others.awaitAnswers(50);
          Files.deleteIfExists(repository);
          Files.move(elsewhere, repository);
          model("more", SteadyLoad.MODEL);
          assertThat(load(program, "more")).isEqualTo("200");
          assertThat(answer(client, call("more", ""))).startsWith(1);
        },
        "--model-control-mode=explicit",
        "--load-model=steady");
  }

  @Test
  void aRepositoryThatIsLookedAtMayGoAndComeBack() throws Exception {
    Path elsewhere = folder.resolve("elsewhere");
    whileOthersAreServed(
        (program, client, others) -> {
          Files.move(repository, elsewhere);
          Files.writeString(repository, "no directory");
          others.awaitAnswers(250); // over two looks
          assertThat(client.isReady()).isTrue();
          assertThat(answer(client, call("other", ""))).startsWith(1);
          Files.delete(repository);
          Files.move(elsewhere, repository);
          model("more", SteadyLoad.MODEL);
          await("found by itself", () -> client.isModelReady("more"));
        },
        "--model-control-mode=poll",
        "--repository-poll-secs=1");
  }

  @Test
  void aModelThatCannotBeReadAnyMoreIsServedAsItWas() throws Exception {
    Path config = repository.resolve("other").resolve("config.pbtxt");
    Path version = repository.resolve("other").resolve("1");
    whileOthersAreServed(
        (program, client, others) -> {
          Files.delete(config);
          Files.createSymbolicLink(config, config); // nobody can read it, not even root
          try (Heard heard = new Heard("dev.nereid.engine")) {
            assertThat(load(program, "other")).doesNotStartWith("200").contains("'other'");
            assertThat(heard.messages())
                .anyMatch(line -> line.startsWith("Poll failed for model directory 'other': "));
          }
          assertThat(answer(client, call("other", ""))).startsWith(1);
          Files.delete(config);
          Files.delete(version);
          Files.writeString(version, "no directory");
          Files.writeString(config, SteadyLoad.MODEL);
          assertThat(load(program, "other"))
              .startsWith("500")
              .contains("its directory has no version directory");
          assertThat(client.isModelReady("other")).isTrue();
          assertThat(answer(client, call("other", ""))).startsWith(1);
          Files.delete(version);
          Files.createDirectory(version);
          assertThat(load(program, "other")).isEqualTo("200");
          assertThat(answer(client, call("other", ""))).startsWith(1);
        },
        "--model-control-mode=explicit",
        "--load-model=*");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"throws", "overflows", "exhausts", "lacks", "forgets", "rows", "flat", "width"})
  void aModelThatFailsIsTheOnlyOneAndServesTheNext(String mood) throws Exception {
    model("bad", MISBEHAVING);
    model("chain", chain());
    whileOthersAreServed(
        (program, client, others) -> {
          for (String model : List.of("bad", "chain")) {
            for (int i = 0; i < 20; i++) {
              assertThatThrownBy(() -> answer(client, call(model, mood)))
                  .as(model)
                  .hasMessageContaining("500: ");
              assertThat(answer(client, call(model, ""))).containsExactly(1, 2, 3, 4);
            }
          }
          assertThat(client.isModelReady("bad")).as("it serves who asks rightly").isTrue();
          assertThat(RunningProgram.statistics(client, "bad").fail().count()).isEqualTo(40);
        });
  }

  /** The model first, which gets the parameters of the ensemble's request, then another. */
  private static String chain() {
    return """
    platform: "ensemble"
    max_batch_size: 8
    input { name: "x" data_type: TYPE_FP32 dims: [ 4 ] }
    output { name: "y" data_type: TYPE_FP32 dims: [ 4 ] }
    ensemble_scheduling {
      step {
        model_name: "bad"
        input_map { key: "x" value: "x" }
        output_map { key: "y" value: "between" }
      }
      step {
        model_name: "steady"
        input_map { key: "x" value: "between" }
        output_map { key: "y" value: "y" }
      }
    }
    """;
  }

  @Test
  void aModelThatHangsHoldsNobodyElseUpAndIsReplaced() throws Exception {
    String impatient =
        MISBEHAVING.replace(
            "dynamic_batching { }",
            "dynamic_batching { default_queue_policy { default_timeout_microseconds: 200000 } }");
    model("bad", impatient);
    whileOthersAreServed(
        (program, client, others) -> {
          var hung = client.infer(call("bad", "hangs"));
          MisbehavingProvider.awaitHanging();
          long asked = System.nanoTime();
          assertThatThrownBy(
                  () -> answer(client, call("bad", "").withTimeout(Duration.ofSeconds(10))))
              .as("who waits behind it is told in time")
              .hasMessageContaining("503: ");
          assertThat(System.nanoTime() - asked).isLessThan(TimeUnit.SECONDS.toNanos(5));
          others.awaitAnswers(50);
          model("bad", impatient + "parameters { key: 'a' value { string_value: 'b' } }\n");
          assertThat(load(program, "bad")).as("a new one beside it").isEqualTo("200");
          assertThat(answer(client, call("bad", ""))).containsExactly(1, 2, 3, 4);
          assertThat(hung).isNotDone();
          MisbehavingProvider.letGo();
          assertThat(hung.get(20, TimeUnit.SECONDS).output("y").floats())
              .as("what it took, it answers")
              .containsExactly(1, 2, 3, 4);
        },
        "--model-control-mode=explicit",
        "--load-model=*");
  }

  /** The beginning of a request of a megabyte over HTTP. */
  private static byte[] halfAnHttpRequest() {
    String head =
        """
        POST /v2/models/steady/infer HTTP/1.1
        host: a
        content-length: 1000000

        """
            .replace("\n", "\r\n");
    return (head + "{" + " ".repeat(300_000)).getBytes(StandardCharsets.US_ASCII);
  }

  /** The beginning of a message of a megabyte over gRPC. */
  private static byte[] halfAGrpcCall() throws IOException {
    var bytes = new java.io.ByteArrayOutputStream();
    bytes.writeBytes("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".getBytes(StandardCharsets.US_ASCII));
    frame(bytes, 4, 0, 0, new byte[0]);
    var head = new java.io.ByteArrayOutputStream();
    header(head, ":method", "POST");
    header(head, ":scheme", "http");
    header(head, ":path", "/inference.GRPCInferenceService/ModelInfer");
    header(head, ":authority", "a");
    header(head, "te", "trailers");
    header(head, "content-type", "application/grpc");
    frame(bytes, 1, 4, 1, head.toByteArray());
    byte[] begin = new byte[16_000];
    begin[2] = 0x0f; // a message of nearly a megabyte
    frame(bytes, 0, 0, 1, begin);
    return bytes.toByteArray();
  }

  private static void header(OutputStream block, String name, String value) throws IOException {
    block.write(0);
    for (String text : List.of(name, value)) {
      block.write(text.length());
      block.write(text.getBytes(StandardCharsets.US_ASCII));
    }
  }

  private static void frame(OutputStream out, int type, int flags, int stream, byte[] payload)
      throws IOException {
    out.write(new byte[] {0, (byte) (payload.length >> 8), (byte) payload.length});
    out.write(new byte[] {(byte) type, (byte) flags, 0, 0, 0, (byte) stream});
    out.write(payload);
  }

  @Test
  void clientsThatAreGoneInTheMiddleLeaveNothing() throws Exception {
    whileOthersAreServed(
        (program, client, others) -> {
          double before = connections(program);
          List<Socket> silent = new ArrayList<>();
          for (int i = 0; i < 60; i++) {
            boolean overHttp = i % 2 == 0;
            int port = overHttp ? program.server.httpPort() : program.server.grpcPort();
            Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.getOutputStream().write(overHttp ? halfAnHttpRequest() : halfAGrpcCall());
            if (i % 4 < 2) {
              silent.add(socket); // half open: there, and never heard of again
            } else {
              socket.setSoLinger(true, 0);
              socket.close();
            }
          }
          others.awaitAnswers(20);
          await("cut off", () -> connections(program) <= before);
          assertThat(program.openLeases()).isZero();
          assertThat(metric(program, "nereid_in_flight_bytes")).isZero();
          assertThat(metric(program, "nereid_grpc_streams")).isLessThanOrEqualTo(2);
          for (Socket socket : silent) {
            socket.close();
          }
        },
        "--read-timeout-ms=300",
        "--read-bytes-per-second=1000000000",
        "--idle-timeout-ms=1000",
        "--grpc-keepalive-time=500",
        "--grpc-keepalive-timeout=500");
  }

  private double connections(RunningProgram program) {
    return metric(program, "nereid_connections{listener=\"http\"}")
        + metric(program, "nereid_grpc_streams");
  }

  /** The sum of a metric's lines. */
  private double metric(RunningProgram program, String name) {
    try {
      URI uri = URI.create("http://127.0.0.1:" + program.server.metricsPort() + "/metrics");
      return http.send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofLines())
          .body()
          .filter(line -> line.startsWith(name))
          .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' '))))
          .sum();
    } catch (IOException e) {
      throw new AssertionError(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError(e);
    }
  }
}
