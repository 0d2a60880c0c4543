package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.ImageClient;
import dev.nereid.client.ImageForm;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.core.Shape;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Where a picture's time goes, told over every protocol in the same words. */
@Timeout(60)
final class PhasesTest {
  private static final List<String> LISTENERS = List.of("gateway", "grpc", "http");
  private static final List<String> PHASES =
      List.of("queue", "decode", "preprocess", "compute", "postprocess", "encode");
  private static final List<String> STEPS =
      List.of("detect_preprocess", "shapes_detector", "detect_postprocess");

  private static void detectOverEveryProtocol(RunningProgram program) throws Exception {
    byte[] picture = RunningProgram.sample("scene.jpg");
    InferCall call =
        InferCall.of("detect", InferInput.blobs("image", Shape.of(1, 1), List.of(picture)));
    try (HttpInferenceClient http = program.http(1);
        GrpcInferenceClient grpc = program.grpc(1);
        ImageClient images = program.images()) {
      http.infer(call).get(30, TimeUnit.SECONDS);
      grpc.infer(call).get(30, TimeUnit.SECONDS);
      images
          .post("/detect", ImageForm.RAW, picture, Duration.ofSeconds(30))
          .get(30, TimeUnit.SECONDS);
    }
  }

  private static String scrape(RunningProgram program) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      URI page = URI.create("http://127.0.0.1:" + program.server.metricsPort() + "/metrics");
      return client
          .send(HttpRequest.newBuilder(page).build(), HttpResponse.BodyHandlers.ofString())
          .body();
    }
  }

  @Test
  void metricsAndAccessLogTellEachPhaseOfEachProtocol(@TempDir Path folder) throws Exception {
    Path file = folder.resolve("access.log");
    try (RunningProgram program =
        RunningProgram.ofDemoModels("--access-log=json", "--access-log-file=" + file)) {
      detectOverEveryProtocol(program);
      String metrics = scrape(program);
      for (String phase : PHASES) {
        for (String listener : LISTENERS) {
          assertThat(metrics)
              .contains(
                  "nereid_request_phase_seconds_count{listener=\"%s\",phase=\"%s\"} 1\n"
                      .formatted(listener, phase));
        }
      }
      assertThat(metrics)
          .contains(
              "nereid_phase_seconds_count{model=\"detect\",version=\"1\",phase=\"decode\"} 3\n")
          .contains("{model=\"detect_preprocess\",version=\"1\",phase=\"preprocess\"} 3\n")
          .contains("{model=\"shapes_detector\",version=\"1\",phase=\"compute\"} 3\n")
          .contains("{model=\"detect_postprocess\",version=\"1\",phase=\"postprocess\"} 3\n");
    }
    List<JsonNode> lines =
        Files.readAllLines(file).stream()
            .map(line -> new JsonMapper().readTree(line))
            .filter(line -> line.has("phases"))
            .toList();
    assertThat(lines.stream().map(line -> line.get("listener").asString()))
        .containsExactlyInAnyOrderElementsOf(LISTENERS);
    for (JsonNode line : lines) {
      assertThat(line.get("phases").propertyNames()).containsExactlyElementsOf(PHASES);
      assertThat(line.get("steps").propertyNames()).containsExactlyElementsOf(STEPS);
      double sum = line.get("phases").valueStream().mapToDouble(JsonNode::asDouble).sum();
      assertThat(sum).isLessThanOrEqualTo(line.get("ms").asDouble() + 0.01);
    }
  }
}
