package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nereid.client.Endpoint;
import dev.nereid.client.ImageClient;
import dev.nereid.client.ImageForm;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A server that has nothing but networks, and a gateway in front of it: pictures are decoded in the
 * gateway, and the answers are those of a process that does everything itself.
 */
@Timeout(120)
final class BareModelTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration LIMIT = Duration.ofSeconds(60);

  @TempDir private static Path folder;

  private static RunningProgram networks;
  private static RunningProgram gateway;
  private static RunningProgram alone;

  @BeforeAll
  static void start() throws Exception {
    Path bare = Files.createDirectory(folder.resolve("bare"));
    for (String model : List.of("shapes_detector", "shapes_classifier", "shapes_embedder")) {
      CastModel.copy(RunningProgram.HOME.resolve("models").resolve(model), bare.resolve(model));
    }
    networks = new RunningProgram(List.of(bare));
    gateway = RunningProgram.ofDemoModels("--upstream=127.0.0.1:" + networks.server.grpcPort());
    alone = RunningProgram.ofDemoModels();
  }

  @AfterAll
  static void stop() {
    alone.close();
    gateway.close();
    networks.close();
  }

  private static JsonNode ask(RunningProgram program, String path, String file) throws Exception {
    try (ImageClient client = program.images()) {
      byte[] picture = RunningProgram.sample(file);
      return JSON.readTree(
          client
              .post(path, ImageForm.RAW, picture, LIMIT)
              .get(LIMIT.toSeconds(), TimeUnit.SECONDS));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"scene.jpg", "street_hd.jpg", "tiny.jpg"})
  void theBoxesAreTheSameAsInProcess(String file) throws Exception {
    assertSame(ask(alone, "/detect", file), ask(gateway, "/detect", file), 1e-5, 1e-3);
  }

  private static void assertSame(JsonNode right, JsonNode told, double confidence, double pixels) {
    JsonNode here = right.get("detections");
    JsonNode there = told.get("detections");
    assertThat(here).isNotEmpty();
    assertThat(there.size()).isEqualTo(here.size());
    for (int i = 0; i < here.size(); i++) {
      assertThat(there.get(i).get("label")).isEqualTo(here.get(i).get("label"));
      assertThat(there.get(i).get("confidence").doubleValue())
          .isCloseTo(here.get(i).get("confidence").doubleValue(), within(confidence));
      for (int edge = 0; edge < 4; edge++) {
        assertThat(there.get(i).get("box").get(edge).doubleValue())
            .isCloseTo(here.get(i).get("box").get(edge).doubleValue(), within(pixels));
      }
    }
  }

  /**
   * Bytes are what the scaled picture is made of, so nothing is lost on the way; halves keep eleven
   * bits, which moves an edge by less than a tenth of a pixel.
   */
  @ParameterizedTest
  @CsvSource({"UINT8, 1e-3, 0.01", "FP16, 5e-3, 0.1"})
  void theBoxesAreTheSameInEveryTypeOnTheWire(String type, double confidence, double pixels)
      throws Exception {
    Path cast = Files.createDirectory(folder.resolve(type));
    CastModel.write(cast, type);
    try (RunningProgram behind = new RunningProgram(List.of(cast));
        RunningProgram front =
            RunningProgram.ofDemoModels("--upstream=127.0.0.1:" + behind.server.grpcPort())) {
      var taken = front.server.engine().config("detect_preprocess", -1).getOutput(0);
      assertThat(taken.getDataType().name()).isEqualTo("TYPE_" + type);
      for (String file : List.of("scene.jpg", "street_hd.jpg", "tiny.jpg")) {
        JsonNode there = ask(front, "/detect", file);
        assertSame(ask(alone, "/detect", file), there, confidence, pixels);
      }
      assertThat(behind.server.engine().config("shapes_detector", -1).getInput(0).getDataType())
          .isEqualTo(taken.getDataType());
    }
  }

  @Test
  void classesAndEmbeddingsAreTheSameAsInProcess() throws Exception {
    JsonNode here = ask(alone, "/classify", "scene.jpg").get("predictions");
    JsonNode there = ask(gateway, "/classify", "scene.jpg").get("predictions");
    assertThat(there.get(0).get("label")).isEqualTo(here.get(0).get("label"));
    JsonNode vector = ask(alone, "/embed", "scene.jpg").get("embedding");
    JsonNode remote = ask(gateway, "/embed", "scene.jpg").get("embedding");
    assertThat(remote.size()).isEqualTo(vector.size());
    for (int i = 0; i < vector.size(); i++) {
      assertThat(remote.get(i).doubleValue()).isCloseTo(vector.get(i).doubleValue(), within(1e-5));
    }
  }

  @Test
  void whereTheServerHasTheEnsembleThePictureGoesThereAsItIs() throws Exception {
    String target = "--upstream=127.0.0.1:" + alone.server.grpcPort();
    try (RunningProgram front = RunningProgram.ofDemoModels(target)) {
      JsonNode here = ask(alone, "/detect", "scene.jpg").get("detections");
      JsonNode there = ask(front, "/detect", "scene.jpg").get("detections");
      assertThat(there).isEqualTo(here);
      assertThat(front.upstreams().status().targets().getFirst().calls().answered()).isEqualTo(1);
    }
  }

  @Test
  void whatAServerSaysOfAPictureIsToldAsItIsMeant() throws Exception {
    byte[] picture = RunningProgram.sample("scene.jpg");
    byte[] half = Arrays.copyOf(picture, picture.length / 2);
    String target = "--upstream=127.0.0.1:" + alone.server.grpcPort();
    try (RunningProgram front = RunningProgram.ofDemoModels(target);
        HttpClient client = HttpClient.newHttpClient()) {
      for (RunningProgram program : List.of(alone, gateway, front)) {
        URI detect = URI.create("http://127.0.0.1:" + program.server.gatewayPort() + "/detect");
        var answer =
            client.send(
                HttpRequest.newBuilder(detect)
                    .header("content-type", "image/jpeg")
                    .POST(HttpRequest.BodyPublishers.ofByteArray(half))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(422);
      }
    }
  }

  @Test
  void preprocessingMakesWhatTheRemoteNetworkTakes() throws Exception {
    Path half = Files.createDirectories(folder.resolve("half"));
    Files.createDirectories(half.resolve("shapes_detector").resolve("1"));
    Files.writeString(
        half.resolve("shapes_detector").resolve("config.pbtxt"),
        """
        backend: "identity"
        max_batch_size: 8
        input [{ name: "images" data_type: TYPE_FP16 dims: [3, 320, 320] }]
        output [{ name: "images" data_type: TYPE_FP16 dims: [3, 320, 320] }]
        """);
    try (RunningProgram halves = new RunningProgram(List.of(half));
        RunningProgram front =
            RunningProgram.ofDemoModels("--upstream=127.0.0.1:" + halves.server.grpcPort())) {
      var pixels = front.server.engine().config("detect_preprocess", -1).getOutput(0);
      assertThat(pixels.getDataType().name()).isEqualTo("TYPE_FP16");
      assertThat(pixels.getDimsList()).containsExactly(3L, 320L, 320L);
    }
  }

  @Test
  void aGatewayWithoutServersSaysWhyItCannotServe() throws Exception {
    try (RunningProgram front = RunningProgram.ofDemoModels("--upstream=127.0.0.1:1");
        HttpClient client = HttpClient.newHttpClient()) {
      String base = "http://127.0.0.1:" + front.server.gatewayPort();
      var health =
          client.send(
              HttpRequest.newBuilder(URI.create(base + "/health")).build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(health.statusCode()).isEqualTo(503);
      JsonNode told = JSON.readTree(health.body());
      assertThat(told.get("status").asString()).isEqualTo("unavailable");
      assertThat(told.get("detail").asString()).contains("127.0.0.1:1 UNREACHABLE", "refused");
      assertThat(told.at("/components/upstreams/status").asString()).isEqualTo("unavailable");
      var answer =
          client.send(
              HttpRequest.newBuilder(URI.create(base + "/detect"))
                  .header("content-type", "image/jpeg")
                  .POST(HttpRequest.BodyPublishers.ofByteArray(RunningProgram.sample("tiny.jpg")))
                  .build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(503);
      assertThat(answer.body()).contains("127.0.0.1:1");
    }
  }

  @Test
  void whatTheServersDidIsInTheMetrics() throws Exception {
    ask(gateway, "/detect", "scene.jpg");
    URI metrics = URI.create("http://127.0.0.1:" + gateway.server.gatewayPort() + "/metrics");
    Pattern counted = Pattern.compile("triton_inference_time_ms_count [1-9]");
    try (HttpClient client = HttpClient.newHttpClient()) {
      String text;
      do {
        text =
            client
                .send(HttpRequest.newBuilder(metrics).build(), HttpResponse.BodyHandlers.ofString())
                .body();
      } while (!counted.matcher(text).find());
      assertThat(text).containsPattern("triton_batch_size_count [1-9]");
      assertThat(text).containsPattern("triton_queue_time_ms_count [1-9]");
      assertThat(text).contains("nereid_upstream_state{target=");
    }
  }

  @Test
  void aTargetIsNamedByHostAndPort() {
    assertThat(gateway.upstreams().status().targets().getFirst().endpoint())
        .isEqualTo(new Endpoint("127.0.0.1", networks.server.grpcPort()));
  }
}
