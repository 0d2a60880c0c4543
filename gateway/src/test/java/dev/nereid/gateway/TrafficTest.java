package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.nereid.core.FaultException;
import dev.nereid.http.AccessLog;
import dev.nereid.telemetry.Metrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Shares of traffic, and shadows that are compared, over models of which one is damaged. */
@Timeout(120)
final class TrafficTest {
  private static final List<String> SAMPLES = List.of("tiny.jpg", "scene.jpg", "large.jpg");

  @TempDir private static Path models;

  private static RunningGateway running;

  @BeforeAll
  static void start() throws Exception {
    try (var all = Files.walk(Path.of("..", "models"))) {
      all.filter(Files::isRegularFile).forEach(TrafficTest::copy);
    }
    twin("embed", "shapes_embedder", 1.02f);
    twin("detect", "shapes_detector", 1.003f);
    Files.createDirectories(models.resolve("classify/2"));
    Files.writeString(
        models.resolve("classify/config.pbtxt"),
        Files.readString(models.resolve("classify/config.pbtxt"))
            + "\nversion_policy { all {} }\n");
    GatewayOptions options = RunningGateway.options().keeping(ResultCacheOptions.DEFAULT);
    running = new RunningGateway(options, models);
  }

  private static void copy(Path file) {
    try {
      Path target = models.resolve(Path.of("..", "models").relativize(file).toString());
      Files.createDirectories(target.getParent());
      Files.copy(file, target);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A second ensemble, {@code NAME_damaged}, over the same network with other weights. */
  private static void twin(String ensemble, String network, float factor) throws IOException {
    Path from = models.resolve(network);
    Path to = models.resolve(network + "_damaged");
    Files.createDirectories(to.resolve("1"));
    Files.writeString(
        to.resolve("config.pbtxt"),
        Files.readString(from.resolve("config.pbtxt")).replace(network, network + "_damaged"));
    Files.write(
        to.resolve("1/model.onnx"),
        DamagedOnnx.scaled(Files.readAllBytes(from.resolve("1/model.onnx")), factor));
    Path twin = models.resolve(ensemble + "_damaged");
    Files.createDirectories(twin.resolve("1"));
    Files.writeString(
        twin.resolve("config.pbtxt"),
        Files.readString(models.resolve(ensemble).resolve("config.pbtxt"))
            .replace("name: \"" + ensemble + "\"", "name: \"" + ensemble + "_damaged\"")
            .replace("\"" + network + "\"", "\"" + network + "_damaged\""));
    copyLabels(from, to);
    copyLabels(models.resolve(ensemble), twin);
  }

  private static void copyLabels(Path from, Path to) throws IOException {
    if (Files.exists(from.resolve("labels.txt"))) {
      Files.copy(from.resolve("labels.txt"), to.resolve("labels.txt"));
    }
  }

  @AfterAll
  static void stop() {
    running.close();
  }

  @AfterEach
  void noPlanIsLeft() throws Exception {
    for (JsonNode each : running.get("/traffic").json().get("models")) {
      assertThat(running.delete("/traffic/" + each.get("model").asString()).status())
          .isEqualTo(200);
    }
  }

  private static JsonNode plan(String model, String json) throws Exception {
    var answer = running.put("/traffic/" + model, json);
    assertThat(answer.status()).as(answer.json().toString()).isEqualTo(200);
    return answer.json();
  }

  private static JsonNode traffic(String model) throws Exception {
    return running.get("/traffic/" + model).json();
  }

  private static String armOf(String model, String sample, String... headers) throws Exception {
    var answer =
        running.post("/predict/" + model, "image/jpeg", RunningGateway.sample(sample), headers);
    assertThat(answer.status()).isEqualTo(200);
    return answer.header("x-traffic-arm");
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time to wait").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  private static int compared(String model) {
    try {
      JsonNode shadow = traffic(model).get("shadow");
      return shadow.get("compared").asInt() + shadow.get("failed").asInt();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void weightsHoldOverTenThousandRequests() throws Exception {
    plan(
        "embed",
        """
        {"arms": [{"name": "old", "weight": 80},
                  {"name": "new", "model": "embed_damaged", "weight": 20}]}
        """);
    Map<String, Integer> got = new HashMap<>();
    for (int i = 0; i < 10_000; i++) { // kept results make it quick
      got.merge(armOf("embed", "tiny.jpg"), 1, Integer::sum);
    }
    assertThat(got.keySet()).containsExactlyInAnyOrder("old", "new");
    assertThat(got.getOrDefault("new", 0) / 10_000.0).isCloseTo(0.20, within(0.02));
    JsonNode arms = traffic("embed").get("arms");
    assertThat(arms.get(0).get("requests").asInt()).isEqualTo(got.get("old"));
    assertThat(arms.get(1).get("share").asDouble()).isEqualTo(0.2);
    assertThat(running.metrics.scrape())
        .contains(
            "nereid_traffic_requests_total{model=\"embed\",arm=\"new\",outcome=\"answered\"} "
                + got.get("new"));
  }

  @Test
  void stickyKeysNeverMove() throws Exception {
    plan(
        "embed",
        """
        {"sticky": "header:X-User-Id",
         "arms": [{"name": "a"}, {"name": "b", "model": "embed_damaged"}]}
        """);
    Map<String, String> known = new HashMap<>();
    for (int round = 0; round < 3; round++) {
      for (int user = 0; user < 200; user++) {
        String arm = armOf("embed", "tiny.jpg", "x-user-id", "user" + user);
        assertThat(known.computeIfAbsent("user" + user, _ -> arm)).isEqualTo(arm);
      }
    }
    assertThat(new HashSet<>(known.values())).containsExactlyInAnyOrder("a", "b");
    plan("embed", "{\"sticky\": \"client\", \"arms\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}");
    Set<String> oneClient = new HashSet<>();
    for (int i = 0; i < 50; i++) {
      oneClient.add(armOf("embed", "tiny.jpg"));
    }
    assertThat(oneClient).hasSize(1);
    plan("embed", "{\"sticky\": \"picture\", \"arms\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}");
    for (String sample : SAMPLES) {
      assertThat(armOf("embed", sample)).isEqualTo(armOf("embed", sample));
    }
  }

  @Test
  void versionsOfAModelShareItsTraffic() throws Exception {
    plan("classify", "{\"arms\": [{\"version\": 1}, {\"version\": 2}, {\"version\": 9}]}");
    Map<String, Integer> statuses = new HashMap<>();
    for (int i = 0; i < 30; i++) {
      var answer =
          running.post(
              "/classify",
              "image/jpeg",
              RunningGateway.sample("tiny.jpg"),
              "cache-control",
              "no-cache");
      statuses.merge(answer.header("x-traffic-arm") + " " + answer.status(), 1, Integer::sum);
    }
    assertThat(statuses.keySet())
        .containsExactlyInAnyOrder("classify-v1 200", "classify-v2 200", "classify-v9 404");
    assertThat(running.metrics.scrape())
        .contains(
            "nv_inference_count{model=\"classify\",version=\"1\"} "
                + statuses.get("classify-v1 200"));
    assertThat(traffic("classify").get("arms").get(2).get("failures").asInt())
        .isEqualTo(statuses.get("classify-v9 404"));
  }

  @Test
  void aDamagedDetectorIsReportedWithTheRightFigures() throws Exception {
    plan("detect", "{\"shadow\": {\"model\": \"detect_damaged\"}}");
    int matched = 0;
    int missing = 0;
    int extra = 0;
    int agreed = 0;
    int different = 0;
    double overlaps = 0;
    for (String sample : SAMPLES) {
      byte[] picture = RunningGateway.sample(sample);
      var mine = running.post("/detect", "image/jpeg", picture).json().get("detections");
      var its = running.post("/predict/detect_damaged", "image/jpeg", picture).json();
      Pairs pairs = Pairs.of(mine, its.get("detections"));
      matched += pairs.matched();
      agreed += pairs.agreed();
      missing += mine.size() - pairs.matched();
      extra += its.get("detections").size() - pairs.matched();
      overlaps += pairs.overlaps();
      different += pairs.isSame(mine.size(), its.get("detections").size()) ? 0 : 1;
    }
    await(() -> compared("detect") == SAMPLES.size());
    JsonNode shadow = traffic("detect").get("shadow");
    assertThat(shadow.get("failed").asInt()).isZero();
    assertThat(shadow.get("matched").asInt()).isEqualTo(matched).isPositive();
    assertThat(shadow.get("missing").asInt()).isEqualTo(missing);
    assertThat(shadow.get("extra").asInt()).isEqualTo(extra);
    assertThat(shadow.get("different").asInt()).isEqualTo(different);
    assertThat(shadow.get("mean_iou").asDouble()).isCloseTo(overlaps / matched, within(1e-4));
    assertThat(shadow.get("mean_iou").asDouble()).isLessThan(0.9999);
    assertThat(shadow.get("label_agreement").asDouble())
        .isCloseTo((double) agreed / matched, within(1e-6));
    assertThat(running.metrics.scrape())
        .contains("nereid_shadow_objects_total{model=\"detect\",shadow=\"detect_damaged\"");
  }

  @Test
  void aDamagedEmbeddingIsReportedDifferentAndItsTwinIsNot() throws Exception {
    plan("embed", "{\"shadow\": {\"model\": \"embed_damaged\", \"cosine\": 0.999999}}");
    double cosines = 0;
    double lowest = 1;
    for (String sample : SAMPLES) {
      byte[] picture = RunningGateway.sample(sample);
      var mine = running.post("/embed", "image/jpeg", picture).json().get("embedding");
      var its = running.post("/predict/embed_damaged", "image/jpeg", picture).json();
      double cosine = 0;
      for (int i = 0; i < mine.size(); i++) { // both have length 1
        cosine += mine.get(i).asDouble() * its.get("embedding").get(i).asDouble();
      }
      cosines += cosine;
      lowest = Math.min(lowest, cosine);
    }
    await(() -> compared("embed") == SAMPLES.size());
    JsonNode shadow = traffic("embed").get("shadow");
    assertThat(shadow.get("different").asInt()).isEqualTo(SAMPLES.size());
    assertThat(shadow.get("difference_ratio").asDouble()).isEqualTo(1);
    assertThat(shadow.get("mean_cosine").asDouble())
        .isCloseTo(cosines / SAMPLES.size(), within(1e-5));
    assertThat(shadow.get("lowest_cosine").asDouble()).isCloseTo(lowest, within(1e-5));
    assertThat(shadow.get("last_differences")).hasSize(SAMPLES.size());
    plan("embed", "{\"shadow\": {\"name\": \"twin\", \"model\": \"embed\"}}");
    for (String sample : SAMPLES) {
      armOf("embed", sample);
    }
    await(() -> compared("embed") == SAMPLES.size());
    assertThat(traffic("embed").get("shadow").get("different").asInt()).isZero();
    assertThat(traffic("embed").get("shadow").get("mean_cosine").asDouble())
        .isCloseTo(1, within(1e-6));
  }

  @Test
  void aShadowThatFailsHarmsNobody() throws Exception {
    plan("embed", "{\"shadow\": {\"model\": \"nobody\"}}");
    assertThat(armOf("embed", "tiny.jpg")).isEqualTo("embed");
    await(() -> compared("embed") == 1);
    assertThat(traffic("embed").get("shadow").get("failed").asInt()).isEqualTo(1);
  }

  @Test
  void oneCallPromotesAndOneRollsBack() throws Exception {
    plan(
        "embed",
        """
        {"arms": [{"name": "old", "weight": 99},
                  {"name": "new", "model": "embed_damaged", "weight": 1}]}
        """);
    assertThat(running.post("/traffic/embed/promote", "application/json", new byte[0]).status())
        .isEqualTo(200);
    for (int i = 0; i < 20; i++) {
      assertThat(armOf("embed", "tiny.jpg")).isEqualTo("new");
    }
    var back = running.post("/traffic/embed/rollback", "application/json", new byte[0]);
    assertThat(back.json().get("arms").get(0).get("weight").asDouble()).isEqualTo(99);
    assertThat(back.json().get("can_roll_back").asBoolean()).isTrue();
    var unknown = running.post("/traffic/embed/promote?arm=x", "application/json", new byte[0]);
    assertThat(unknown.status()).isEqualTo(404);
    assertThat(running.post("/traffic/none/promote", "application/json", new byte[0]).status())
        .isEqualTo(404);
    assertThat(running.delete("/traffic/none").status()).isEqualTo(404);
    assertThat(running.get("/traffic/none").status()).isEqualTo(404);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "[]|an object",
        "{\"arm\": 1}|one of [arms, shadow, sticky]",
        "{\"arms\": []}|0 arms",
        "{\"arms\": [{\"weight\": -1}]}|weight of 'embed'",
        "{\"arms\": [{\"weight\": 0}]}|one above 0",
        "{\"arms\": [{\"name\": \"a b\"}]}|arm 'a b'",
        "{\"arms\": [{}, {}]}|two arms",
        "{\"arms\": [{\"version\": 1.5}]}|whole",
        "{\"arms\": [{\"version\": 0}]}|>= 1",
        "{\"arms\": [{\"upstream\": \"far:1\"}]}|upstream",
        "{\"sticky\": \"moon\"}|header:NAME",
        "{\"shadow\": {\"sample\": 2}}|0 to 1",
        "{\"shadow\": {}}|as an arm is",
        "{|JSON",
      })
  void aPlanThatMakesNoSenseIsRefused(String plan, String complaint) throws Exception {
    var answer = running.put("/traffic/embed", plan);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.json().get("detail").asString()).contains(complaint);
    assertThat(running.get("/traffic/embed").status()).isEqualTo(404);
  }

  @Test
  void plansMayBeGivenAtTheStart() throws Exception {
    GatewayOptions options =
        RunningGateway.options()
            .with(
                Map.of(
                    "embed",
                    Map.of("arms", List.of(Map.of("name", "only", "model", "embed_damaged")))));
    try (var other = new RunningGateway(options, models)) {
      var answer = other.post("/embed", "image/jpeg", RunningGateway.sample("tiny.jpg"));
      assertThat(answer.header("x-traffic-arm")).isEqualTo("only");
      assertThat(answer.json().get("model").get("name").asString()).isEqualTo("embed_damaged");
      assertThat(new String(answer.response().body(), StandardCharsets.UTF_8))
          .contains("embedding");
    }
  }

  @Test
  void aPlanAtTheStartThatMakesNoSenseStopsIt() {
    GatewayOptions options =
        RunningGateway.options().with(Map.of("embed", Map.of("sticky", "moon")));
    assertThatThrownBy(
            () ->
                Gateway.over(running.engine, options, running.loops, new Metrics(), AccessLog.OFF))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("sticky: 'moon'");
  }

  /** Boxes of two answers in pairs, worked out from the JSON that clients see. */
  private record Pairs(int matched, int agreed, double overlaps) {
    static Pairs of(JsonNode mine, JsonNode its) {
      Set<Integer> usedMine = new HashSet<>();
      Set<Integer> usedIts = new HashSet<>();
      int agreed = 0;
      double overlaps = 0;
      while (true) {
        double best = 0.5;
        int first = -1;
        int second = -1;
        for (int i = 0; i < mine.size(); i++) {
          for (int j = 0; j < its.size(); j++) {
            double overlap = overlap(mine.get(i).get("box"), its.get(j).get("box"));
            if (overlap >= best && !usedMine.contains(i) && !usedIts.contains(j)) {
              best = overlap;
              first = i;
              second = j;
            }
          }
        }
        if (first < 0) {
          return new Pairs(usedMine.size(), agreed, overlaps);
        }
        usedMine.add(first);
        usedIts.add(second);
        overlaps += best;
        agreed +=
            mine.get(first).get("class").asInt() == its.get(second).get("class").asInt() ? 1 : 0;
      }
    }

    boolean isSame(int mine, int its) {
      return matched == mine && matched == its && agreed == matched;
    }

    private static double overlap(JsonNode a, JsonNode b) {
      double width = Math.min(side(a, 2), side(b, 2)) - Math.max(side(a, 0), side(b, 0));
      double height = Math.min(side(a, 3), side(b, 3)) - Math.max(side(a, 1), side(b, 1));
      double common = Math.max(0, width) * Math.max(0, height);
      return common / (area(a) + area(b) - common);
    }

    private static double area(JsonNode box) {
      return (side(box, 2) - side(box, 0)) * (side(box, 3) - side(box, 1));
    }

    private static double side(JsonNode box, int index) {
      return box.get(index).asDouble();
    }
  }
}
