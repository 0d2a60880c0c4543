package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

final class GatewayTest {
  private static RunningGateway running;

  @BeforeAll
  static void start() throws Exception {
    running = new RunningGateway(RunningGateway.options());
  }

  @AfterAll
  static void stop() {
    running.close();
  }

  private static byte[] json(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String base64(String sample) {
    return Base64.getEncoder().encodeToString(RunningGateway.sample(sample));
  }

  @Test
  void findsTheObjectsOfTheGroundTruth() throws Exception {
    var answer =
        running.postForm(
            "/detect", new Form().file("image", "scene.jpg", RunningGateway.sample("scene.jpg")));
    assertThat(answer.status()).isEqualTo(200);
    JsonNode found = answer.json();
    JsonNode truth =
        new JsonMapper().readTree(RunningGateway.SAMPLES.resolve("ground_truth.json").toFile());
    JsonNode objects = truth.get(0).get("objects");
    int matched = 0;
    for (JsonNode object : objects) {
      for (JsonNode box : found.get("detections")) {
        if (box.get("label").asString().equals(object.get("label").asString())
            && overlap(box.get("box"), object) > 0.7) {
          matched++;
          break;
        }
      }
    }
    assertThat(matched).isGreaterThanOrEqualTo(objects.size() - 1);
  }

  private static double overlap(JsonNode box, JsonNode object) {
    double x1 = object.get("x1").asDouble();
    double y1 = object.get("y1").asDouble();
    double x2 = object.get("x2").asDouble();
    double y2 = object.get("y2").asDouble();
    double width = Math.min(x2, box.get(2).asDouble()) - Math.max(x1, box.get(0).asDouble());
    double height = Math.min(y2, box.get(3).asDouble()) - Math.max(y1, box.get(1).asDouble());
    double common = Math.max(0, width) * Math.max(0, height);
    double area =
        (box.get(2).asDouble() - box.get(0).asDouble())
            * (box.get(3).asDouble() - box.get(1).asDouble());
    return common / (area + (x2 - x1) * (y2 - y1) - common);
  }

  @Test
  void answersInTheShapeThatClientsKnow() throws Exception {
    var answer = running.post("/detect", "image/jpeg", RunningGateway.sample("scene.jpg"));
    JsonNode json = answer.json();
    assertThat(json.propertyNames())
        .containsExactly(
            "detections",
            "num_detections",
            "status",
            "image",
            "model",
            "track",
            "preprocessing",
            "nms_location",
            "total_time_ms");
    assertThat(json.get("image")).hasToString("{\"width\":640,\"height\":480}");
    assertThat(json.get("model").get("name").asString()).isEqualTo("detect");
    assertThat(json.get("num_detections").asInt()).isEqualTo(json.get("detections").size());
    for (JsonNode box : json.get("detections")) {
      assertThat(box.propertyNames())
          .containsExactly(
              "x1", "y1", "x2", "y2", "confidence", "class", "class_id", "label", "box");
      assertThat(box.get("class").asInt()).isEqualTo(box.get("class_id").asInt());
      assertThat(box.get("x2").asDouble() * 640)
          .isCloseTo(box.get("box").get(2).asDouble(), within(0.01));
    }
    assertThat(answer.header("x-process-time")).matches("\\d+\\.\\d\\dms");
    assertThat(answer.header("server-timing"))
        .matches(
            "queue;dur=[\\d.]+, decode;dur=[\\d.]+, preprocess;dur=[\\d.]+, compute;dur=[\\d.]+,"
                + " postprocess;dur=[\\d.]+, encode;dur=[\\d.]+,"
                + " step;desc=\"detect_preprocess\";dur=[\\d.]+,"
                + " step;desc=\"shapes_detector\";dur=[\\d.]+,"
                + " step;desc=\"detect_postprocess\";dur=[\\d.]+, total;dur=[\\d.]+");
  }

  @Test
  void givesTheSameBoxesHoweverThePictureComes() throws Exception {
    byte[] picture = RunningGateway.sample("rotated_90.jpg");
    String text = base64("rotated_90.jpg");
    var answers =
        List.of(
            running.postForm("/detect", new Form().file("file", "a.jpg", picture)),
            running.postForm(
                "/predict/detect", new Form().field("note", "x").file("image", "b", picture)),
            running.post("/detect", "application/octet-stream", picture),
            running.post("/detect", "image/jpeg", picture),
            running.post("/detect", "application/json", json("{\"image\":\"" + text + "\"}")),
            running.post(
                "/detect",
                "application/json; charset=utf-8",
                json(
                    "{\"a\":{\"b\":[1]}, \"image\" : \"data:image\\/jpeg;base64,"
                        + text.replace("/", "\\/")
                        + "\"}")));
    String first = answers.getFirst().json().get("detections").toString();
    assertThat(answers.getFirst().json().get("num_detections").asInt()).isPositive();
    for (var answer : answers) {
      assertThat(answer.json().get("detections")).hasToString(first);
    }
  }

  @Test
  void honoursOptionsInTheQueryTheFormAndTheJson() throws Exception {
    byte[] picture = RunningGateway.sample("scene.jpg");
    Form plain = new Form().file("image", "a", picture);
    int all = running.postForm("/detect", plain).json().get("num_detections").asInt();
    assertThat(all).isGreaterThan(2);
    var limited =
        running.postForm("/detect?max_detections=2", new Form().file("image", "a", picture));
    assertThat(limited.json().get("detections")).hasSize(2);
    var strict =
        running.postForm(
            "/detect", new Form().field("confidence", "1").file("image", "a", picture));
    assertThat(strict.json().get("num_detections").asInt()).isZero();
    String body = "{\"confidence\":1.0,\"image\":\"" + base64("scene.jpg") + "\"}";
    assertThat(running.post("/detect", "application/json", json(body)).json().get("detections"))
        .isEmpty();
    for (String query : List.of("confidence=2", "iou=x", "max_detections=0", "iou=")) {
      var refused = running.postForm("/detect?" + query, new Form().file("image", "a", picture));
      assertThat(refused.status()).as(query).isEqualTo(400);
    }
  }

  @Test
  void classifiesAndEmbeds() throws Exception {
    JsonNode classes =
        running.post("/classify", "image/jpeg", RunningGateway.sample("tiny.jpg")).json();
    assertThat(classes.get("predictions")).hasSize(5);
    assertThat(classes.get("predictions").get(0).get("label").asString()).isNotEmpty();
    JsonNode embedding =
        running.post("/embed", "image/png", RunningGateway.sample("alpha.png")).json();
    assertThat(embedding.get("embedding")).hasSize(128);
    assertThat(embedding.get("dim").asInt()).isEqualTo(128);
    assertThat(embedding.get("embedding_norm").asDouble()).isCloseTo(1, within(1e-4));
  }

  @Test
  void givesEachPictureOfABatchItsOwnOutcome() throws Exception {
    var form =
        new Form()
            .file("images", "one.jpg", RunningGateway.sample("scene.jpg"))
            .file("images", "two.txt", json("no picture"))
            .file("images", "three.jpg", Arrays.copyOf(RunningGateway.sample("scene.jpg"), 500))
            .file("images", "four.jpg", RunningGateway.sample("rotated_90.jpg"));
    var answer = running.postForm("/predict_batch/detect", form);
    assertThat(answer.status()).isEqualTo(200);
    JsonNode json = answer.json();
    assertThat(json.get("total_images").asInt()).isEqualTo(4);
    assertThat(json.get("processed_images").asInt() + json.get("failed_images").asInt())
        .isEqualTo(4);
    JsonNode results = json.get("results");
    for (int i = 0; i < 4; i++) {
      assertThat(results.get(i).get("image_index").asInt()).isEqualTo(i);
    }
    assertThat(results.get(0).get("filename").asString()).isEqualTo("one.jpg");
    assertThat(results.get(0).get("status").asString()).isEqualTo("success");
    assertThat(results.get(1).get("code").asString()).isEqualTo("unsupported_media");
    assertThat(results.get(3).get("status").asString()).isEqualTo("success");
    assertThat(json.get("failures").get(0).get("index").asInt()).isEqualTo(1);
  }

  @Test
  void aBatchOfWhichNothingCouldBeReadIsNoSuccess() throws Exception {
    String body = "[\"" + Base64.getEncoder().encodeToString(json("nothing")) + "\", \"%%\"]";
    var answer = running.post("/predict_batch/detect", "application/json", json(body));
    assertThat(answer.status()).isEqualTo(415);
    assertThat(answer.json().get("status").asString()).isEqualTo("all_failed");
    assertThat(answer.json().get("failures").get(1).get("code").asString())
        .isEqualTo("invalid_argument");
  }

  @Test
  void embedsSeveralInTheFormOfTheSimilarityService() throws Exception {
    String texts = "\"" + base64("scene.jpg") + "\",\"" + base64("tiny.jpg") + "\"";
    String body = "{\"images\":[" + texts + "],\"model_name\":\"ViT-B-32\"}";
    JsonNode first = running.post("/embed/base64", "application/json", json(body)).json();
    var form =
        new Form()
            .file("files", "a", RunningGateway.sample("scene.jpg"))
            .file("files", "b", RunningGateway.sample("tiny.jpg"));
    JsonNode second = running.postForm("/embed/batch", form).json();
    assertThat(first.get("count").asInt()).isEqualTo(2);
    assertThat(first.get("model_info").get("embedding_dim").asInt()).isEqualTo(128);
    assertThat(first.get("embeddings")).hasToString(second.get("embeddings").toString());
    String bad = "{\"images\":[" + texts + ",\"AAAA\"]}";
    var refused = running.post("/embed/base64", "application/json", json(bad));
    assertThat(refused.status()).isEqualTo(415);
    assertThat(refused.json().get("detail").asString()).startsWith("Failed to decode image 2: ");
    var none = running.post("/embed/base64", "application/json", json("{\"images\":[]}"));
    assertThat(none.status()).isEqualTo(400);
    assertThat(none.json().get("detail").asString()).isEqualTo("No images provided");
  }

  @ParameterizedTest
  @CsvSource({
    "/detect, text/plain, hello, 415, unsupported_media",
    "/detect, image/jpeg, hello, 415, unsupported_media",
    "/detect, application/json, {}, 400, invalid_argument",
    "/detect, application/json, '{\"image\":5}', 400, invalid_argument",
    "/detect, application/json, '{\"image\":\"', 400, invalid_argument",
    "/detect, application/json, '[[[[[[[[[\"\"]]]]]]]]]', 400, invalid_argument",
    "/detect, application/json, nonsense, 400, invalid_argument",
    "/detect, multipart/form-data, hello, 400, invalid_argument",
    "/detect, multipart/form-data; boundary=x, --x--, 400, invalid_argument",
    "/predict/nothing, image/jpeg, PICTURE, 404, not_found",
    "/predict/simple, image/jpeg, PICTURE, 400, invalid_argument",
    "/nowhere, image/jpeg, PICTURE, 404, not_found",
    "/detect, image/jpeg, TRUNCATED, 422, unprocessable",
    "/detect, image/jpeg, '', 400, invalid_argument"
  })
  void answersEveryMishapWithItsStatus(
      String path, String type, String content, int status, String code) throws Exception {
    byte[] picture = RunningGateway.sample("scene.jpg");
    byte[] body =
        switch (content) {
          case "PICTURE" -> picture;
          case "TRUNCATED" -> Arrays.copyOf(picture, 300);
          default -> json(content);
        };
    var answer = running.post(path, type, body);
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.json().get("error").asString()).isEqualTo(code);
    assertThat(answer.json().get("detail").asString()).isNotEmpty();
  }

  @Test
  void refusesAWorkWhoseDeadlineHasPassed() throws Exception {
    var answer =
        running.post(
            "/detect",
            "image/jpeg",
            RunningGateway.sample("large.jpg"),
            "X-Request-Timeout-Ms",
            "1");
    assertThat(answer.status()).isEqualTo(504);
    assertThat(answer.json().get("error").asString()).isEqualTo("deadline_exceeded");
  }

  @Test
  void refusesMorePicturesThanAllowed() throws Exception {
    var form = new Form();
    for (int i = 0; i < 65; i++) {
      form.file("images", "x", json("x"));
    }
    assertThat(running.postForm("/predict_batch/detect", form).status()).isEqualTo(413);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/health",
        "/healthz",
        "/limits",
        "/caller",
        "/models",
        "/models/index",
        "/connections",
        "/openapi.json",
        "/samples"
      })
  void tellsOfItself(String path) throws Exception {
    var answer = running.get(path);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.json().isObject()).isTrue();
  }

  @Test
  void tellsHowItsPartsAreAndWhatTheyMayUse() throws Exception {
    running.post("/classify", "image/jpeg", RunningGateway.sample("tiny.jpg"));
    JsonNode health = running.get("/health").json();
    JsonNode parts = health.get("components");
    assertThat(parts.propertyNames()).containsExactly("api", "engine", "gpu", "memory");
    assertThat(parts.at("/api/status").asString()).isEqualTo("healthy");
    assertThat(parts.at("/engine/status").asString()).isEqualTo("healthy");
    assertThat(parts.at("/gpu/status").asString()).isIn("healthy", "unavailable");
    assertThat(parts.at("/memory/status").asString()).isEqualTo("healthy");
    JsonNode performance = health.get("performance");
    assertThat(performance.get("memory_mb").asDouble()).isBetween(50.0, 100_000.0);
    assertThat(performance.get("cpu_percent").asDouble()).isBetween(0.0, 100.0);
    assertThat(performance.get("max_file_size_mb").asInt()).isPositive();
    JsonNode used = performance.get("optimizations");
    assertThat(used.get("native_decoder").asBoolean()).isTrue();
    assertThat(used.get("simd").asBoolean()).isTrue();
    assertThat(used.get("shared_grpc_client").asBoolean()).isFalse();
    JsonNode limits = running.get("/limits").json();
    assertThat(limits.get("body_bytes").asLong()).isPositive();
    assertThat(performance.at("/limits/in_flight_requests"))
        .isEqualTo(limits.get("in_flight_requests"));
  }

  @Test
  void saysWhatPicturesMayBe() throws Exception {
    JsonNode limits = running.get("/limits").json();
    assertThat(limits.get("image_formats").values().stream().map(JsonNode::asString))
        .containsExactly("jpeg", "png", "webp", "bmp", "tiff", "gif");
    assertThat(limits.get("image_pixels").asLong()).isEqualTo(64_000_000);
    assertThat(limits.get("image_side").asInt()).isEqualTo(16_384);
  }

  @Test
  void changesNoModelsThatAreThoseOfTheStart() throws Exception {
    JsonNode index = running.get("/models/index").json();
    assertThat(index.get("on_request").asBoolean()).isFalse();
    assertThat(index.get("models").size()).isGreaterThan(10);
    assertThat(index.get("models").get(0).propertyNames())
        .containsExactly("name", "version", "state", "reason", "summary");
    var refused = running.post("/models/simple/unload", "application/json", new byte[0]);
    assertThat(refused.status()).isEqualTo(503);
    assertThat(refused.json().get("detail").asString()).contains("model-control-mode=explicit");
  }

  @Test
  void everybodyMayDoEverythingWhereNobodyIsAsked() throws Exception {
    JsonNode caller = running.get("/caller").json();
    assertThat(caller.get("name").asString()).isEmpty();
    assertThat(caller.get("roles")).hasSize(3);
  }

  @Test
  void listsTheModelsThatTakePictures() throws Exception {
    List<String> names = new ArrayList<>();
    running
        .get("/models")
        .json()
        .get("models")
        .forEach(model -> names.add(model.get("name").asString()));
    assertThat(names).containsExactlyInAnyOrder("detect", "classify", "embed");
  }

  @Test
  void describesEveryRouteForInference() throws Exception {
    JsonNode paths = running.get("/openapi.json").json().get("paths");
    assertThat(paths.propertyNames())
        .contains("/detect", "/classify", "/embed", "/predict/{model}", "/predict_batch/{model}");
  }

  @Test
  void servesThePageItsPartsAndSamples() throws Exception {
    var page = running.get("/");
    assertThat(page.header("content-type")).isEqualTo("text/html; charset=utf-8");
    assertThat(page.header("content-security-policy"))
        .startsWith("default-src 'none'; script-src 'self'; style-src 'self';")
        .doesNotContain("unsafe");
    assertThat(page.header("x-content-type-options")).isEqualTo("nosniff");
    assertThat(running.get("/prepare.js").header("content-type")).startsWith("text/javascript");
    RunningGateway.Answer packed;
    do {
      packed = running.get("/page/chart.js", "accept-encoding", "gzip");
      assertThat(packed.status()).isEqualTo(200);
    } while (!packed.header("content-encoding").equals("gzip")); // packed after the start
    assertThat(running.get("/", "if-none-match", page.header("etag")).status()).isEqualTo(304);
    assertThat(running.get("/samples/scene.jpg").response().body())
        .isEqualTo(RunningGateway.sample("scene.jpg"));
    assertThat(running.get("/samples/..%2fground_truth.json").status()).isEqualTo(404);
    assertThat(running.get("/page/nothing.js").status()).isEqualTo(404);
  }

  @Test
  void countsWhatItDoes() throws Exception {
    running.post("/classify", "image/jpeg", RunningGateway.sample("tiny.jpg"));
    String text = new String(running.get("/metrics").response().body(), StandardCharsets.UTF_8);
    assertThat(text)
        .contains("api_requests_total{endpoint=\"/classify\",status=\"200\"}")
        .contains("api_request_duration_seconds_count{endpoint=\"/classify\"}")
        .contains("api_active_requests 0")
        .contains("triton_batch_size_bucket{le=\"1\"}")
        .contains("triton_queue_time_ms_bucket{le=\"10000\"}")
        .containsPattern("triton_inference_time_ms_count [1-9]")
        .contains("nereid_http_refusals_total{listener=\"gateway\",limit=\"body_too_large\"}");
  }
}
