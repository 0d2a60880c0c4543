package dev.nereid.app;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferenceClient;
import dev.nereid.core.Damage;
import dev.nereid.core.Shape;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.ModelRepositoryParameter;
import dev.nereid.protocol.proto.RepositoryModelLoadRequest;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/**
 * Models that are damaged, in their files and in the configuration that a load brings: they are
 * served or refused in words, over both protocols, and the others are served throughout. A failure
 * repeats with its round.
 */
@Timeout(90)
final class DamagedModelsTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);

  private static final String GOOD =
      """
      backend: "identity"
      input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
      output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
      """;

  private static final String CONFIG =
      """
      {"backend":"identity","max_batch_size":4,"version_policy":{"latest":{"num_versions":1}},
       "input":[{"name":"INPUT0","data_type":"TYPE_FP32","dims":[2]}],
       "output":[{"name":"OUTPUT0","data_type":"TYPE_FP32","dims":[2],"label_filename":""}],
       "dynamic_batching":{"preferred_batch_size":[2,4],"max_queue_delay_microseconds":100},
       "instance_group":[{"count":2,"kind":"KIND_CPU"}],"parameters":{"a":{"string_value":"b"}},
       "model_warmup":[{"name":"w","batch_size":1,"inputs":{"INPUT0":
         {"data_type":"TYPE_FP32","dims":[2],"zero_data":true}}}]}
      """;

  private static final String[] JSON = {
    "{", "}", "[", "]", ",", ":", "\"", "null", "true", "\\u0000", "-", ".5", "\"name\":", "\n"
  };

  @TempDir private static Path repository;
  private static RunningProgram program;
  private static HttpClient http;
  private static ManagedChannel grpc;
  private static InferenceClient asking;

  @BeforeAll
  static void start() throws Exception {
    Path good = Files.createDirectories(repository.resolve("good/1"));
    Files.writeString(good.resolveSibling("config.pbtxt"), GOOD);
    Files.createDirectories(repository.resolve("damaged/1"));
    program =
        new RunningProgram(
            List.of(repository),
            "--model-control-mode=explicit",
            "--load-model=good",
            "--model-load-timeout-secs=20",
            "--allow-gateway=false");
    http = HttpClient.newHttpClient();
    grpc =
        NettyChannelBuilder.forAddress("127.0.0.1", program.server.grpcPort())
            .usePlaintext()
            .build();
    asking = program.http(1);
  }

  @AfterAll
  static void stop() {
    asking.close();
    grpc.shutdownNow();
    http.close();
    program.close();
  }

  /** What a load came to: nothing when the model is served, else what was said. */
  private static String load(boolean overHttp, String parameters) throws Exception {
    return overHttp ? post(bodyOf(parameters)) : call(parameters);
  }

  private static byte[] bodyOf(String config) {
    return config.isEmpty()
        ? new byte[0]
        : JsonMapper.shared().writeValueAsBytes(Map.of("parameters", Map.of("config", config)));
  }

  private static String post(byte[] body) throws Exception {
    URI place =
        URI.create(
            "http://127.0.0.1:" + program.server.httpPort() + "/v2/repository/models/damaged/load");
    HttpResponse<String> answer =
        http.send(
            HttpRequest.newBuilder(place)
                .timeout(LIMIT)
                .POST(BodyPublishers.ofByteArray(body))
                .build(),
            BodyHandlers.ofString());
    if (answer.statusCode() == 200) {
      return "";
    }
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
    return JsonMapper.shared().readTree(answer.body()).path("error").asString();
  }

  private static String call(String config) {
    var request = RepositoryModelLoadRequest.newBuilder().setModelName("damaged");
    if (!config.isEmpty()) {
      request.putParameters(
          "config", ModelRepositoryParameter.newBuilder().setStringParam(config).build());
    }
    try {
      var _ =
          GRPCInferenceServiceGrpc.newBlockingStub(grpc)
              .withDeadlineAfter(LIMIT.toSeconds(), TimeUnit.SECONDS)
              .repositoryModelLoad(request.build());
      return "";
    } catch (StatusRuntimeException e) {
      Status status = e.getStatus();
      assertThat(status.getCode()).as("%s", status).isEqualTo(Status.Code.INVALID_ARGUMENT);
      return String.valueOf(status.getDescription());
    }
  }

  private static void assertTheOthersAreServed() {
    var call = InferCall.of("good", InferInput.floats("INPUT0", Shape.of(2), 3, 4));
    var answer = asking.infer(call).orTimeout(30, TimeUnit.SECONDS).join();
    assertThat(answer.output("OUTPUT0").floats()).containsExactly(3, 4);
  }

  private static void assertWords(int round, String said) {
    assertThat(said)
        .as("round %d", round)
        .isNotBlank()
        .doesNotContain("internal error", "Exception", "\tat ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"models/simple", "benchmarks/models/slice", "benchmarks/models/mlp"})
  void anOnnxFileIsServedOrRefused(String model) throws Exception {
    byte[] whole = Files.readAllBytes(RunningProgram.HOME.resolve(model).resolve("1/model.onnx"));
    Path file = repository.resolve("damaged/1/model.onnx");
    Path config = repository.resolve("damaged/config.pbtxt");
    Files.writeString(config, "backend: \"onnxruntime\"");
    Random random = new Random(11);
    int refused = 0;
    for (int round = 0; round < 40; round++) {
      Files.write(file, Damage.of(whole, random, "\u0000", "\u0012\u0001", "INPUT0", "Add"));
      String said = load(round % 2 == 0, "");
      if (!said.isEmpty()) {
        assertWords(round, said);
        assertThat(said).as("round %d", round).contains("damaged");
        refused++;
      }
      assertTheOthersAreServed();
    }
    assertThat(refused).isPositive();
    Files.delete(file);
    Files.delete(config);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void theConfigurationOfALoadIsTakenOrRefused(boolean overHttp) throws Exception {
    assertThat(load(overHttp, CONFIG)).isEmpty();
    Random random = new Random(13);
    int refused = 0;
    for (int round = 0; round < 150; round++) {
      String config = new String(Damage.of(CONFIG.getBytes(UTF_8), random, JSON), UTF_8);
      String said = load(overHttp, config);
      if (!said.isEmpty()) {
        assertWords(round, said);
        refused++;
      }
      if (round % 10 == 0) {
        assertTheOthersAreServed();
      }
    }
    assertThat(refused).isGreaterThan(50);
    assertThat(load(overHttp, CONFIG)).isEmpty();
    assertTheOthersAreServed();
  }

  @Test
  void theBodyOfALoadIsTakenOrRefused() throws Exception {
    byte[] whole = bodyOf(CONFIG);
    Random random = new Random(17);
    for (int round = 0; round < 100; round++) {
      String said = post(Damage.of(whole, random, JSON));
      if (!said.isEmpty()) {
        assertWords(round, said);
      }
    }
    assertTheOthersAreServed();
  }

  /** Numbers that would have the server make more of something than it has room for. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"instance_group\":[{\"count\":2000000000}]",
        "\"dynamic_batching\":{\"priority_levels\":4000000000,\"default_priority_level\":1}",
        "\"max_batch_size\":2147483647,\"dynamic_batching\":{}",
        "\"version_policy\":{\"latest\":{\"num_versions\":4294967295}}",
        "\"response_cache\":{\"enable\":true},\"instance_group\":[{\"count\":1025}]"
      })
  void greedIsServedOrRefusedAndNobodyElseSuffers(String greed) throws Exception {
    String tensor = "[{\"name\":\"%s0\",\"data_type\":\"TYPE_FP32\",\"dims\":[2]}]";
    String config =
        "{\"backend\":\"identity\",\"input\":%s,\"output\":%s,%s}"
            .formatted(tensor.formatted("INPUT"), tensor.formatted("OUTPUT"), greed);
    for (boolean overHttp : new boolean[] {true, false}) {
      String said = load(overHttp, config);
      if (greed.contains("count")) {
        assertThat(said).contains("instances (expected: at most 1024)");
      } else {
        assertThat(said).isEmpty();
      }
      assertTheOthersAreServed();
    }
  }
}
