package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Results that are sent one by one. */
final class ItemStreamTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String LINES = "application/x-ndjson";
  private static RunningGateway running;

  @BeforeAll
  static void start() throws Exception {
    running = new RunningGateway(RunningGateway.options());
  }

  @AfterAll
  static void stop() {
    running.close();
  }

  private static Form form(int good) {
    Form form = new Form();
    for (int i = 0; i < good; i++) {
      form.file("images", i + ".jpg", RunningGateway.sample("tiny.jpg"));
    }
    return form;
  }

  private static List<JsonNode> lines(RunningGateway.Answer answer) {
    return new String(answer.response().body(), StandardCharsets.UTF_8)
        .lines()
        .map(JSON::readTree)
        .toList();
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time to wait").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  @Test
  void linesTellEachResultAndASummary() throws Exception {
    Form form = form(3).file("images", "bad.jpg", "none".getBytes(StandardCharsets.UTF_8));
    var answer = running.postForm("/predict_batch/classify", form, "accept", LINES);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.header("content-type")).isEqualTo(LINES);
    List<JsonNode> lines = lines(answer);
    assertThat(lines).hasSize(5);
    TreeSet<Integer> indexes = new TreeSet<>();
    for (JsonNode line : lines.subList(0, 4)) {
      indexes.add(line.get("image_index").asInt());
      boolean bad = line.get("filename").asString().equals("bad.jpg");
      assertThat(line.get("status").asString()).isEqualTo(bad ? "error" : "success");
      assertThat(line.has("predictions")).isEqualTo(!bad);
    }
    assertThat(indexes).containsExactly(0, 1, 2, 3);
    JsonNode summary = lines.getLast().get("summary");
    assertThat(summary.get("total_images").asInt()).isEqualTo(4);
    assertThat(summary.get("failed_images").asInt()).isEqualTo(1);
    assertThat(summary.get("model").get("name").asString()).isEqualTo("classify");
    assertThat(running.metrics.scrape())
        .contains("api_requests_total{endpoint=\"/predict_batch\",status=\"200\"}");
  }

  @Test
  void aResultIsWhatTheWholeAnswerSaysOfThePicture() throws Exception {
    Form form = new Form().file("images", "a.jpg", RunningGateway.sample("scene.jpg"));
    JsonNode whole = running.postForm("/predict_batch/detect", form).json().get("results").get(0);
    JsonNode streamed =
        lines(running.postForm("/predict_batch/detect", form, "accept", LINES)).getFirst();
    assertThat(streamed).isEqualTo(whole);
  }

  @Test
  void eventsTellTheSame() throws Exception {
    var answer =
        running.postForm("/embed/batch", form(2), "accept", "text/event-stream, application/json");
    assertThat(answer.header("content-type")).isEqualTo("text/event-stream");
    String[] events =
        new String(answer.response().body(), StandardCharsets.UTF_8).split("\n\n", -1);
    assertThat(events).hasSize(4);
    for (int i = 0; i < 2; i++) {
      assertThat(events[i]).startsWith("event: result\ndata: {");
      JsonNode result = JSON.readTree(events[i].substring(events[i].indexOf('{')));
      assertThat(result.get("embedding")).hasSize(result.get("dim").asInt());
    }
    assertThat(events[2]).startsWith("event: summary\ndata: {");
    assertThat(events[3]).isEmpty();
  }

  @Test
  void whoPrefersPlainJsonGetsIt() throws Exception {
    var answer =
        running.postForm(
            "/predict_batch/classify", form(1), "accept", "application/json, " + LINES);
    assertThat(answer.header("content-type")).isEqualTo("application/json");
  }

  @Test
  void moreThanAWindowOfPicturesPassesAndMoreThanTheLimitDoesNot() throws Exception {
    int many = 3 * ItemStream.WINDOW;
    var answer = running.postForm("/predict_batch/classify", form(many), "accept", LINES);
    assertThat(lines(answer)).hasSize(many + 1);
    assertThat(running.postForm("/predict_batch/classify", form(many)).status()).isEqualTo(413);
    Form tooMany = form(GatewayOptions.STREAM_IMAGES + 1);
    assertThat(running.postForm("/predict_batch/classify", tooMany, "accept", LINES).status())
        .isEqualTo(413);
  }

  @Test
  void aFailureBeforeTheFirstResultIsAnOrdinaryOne() throws Exception {
    var unknown = running.postForm("/predict_batch/nobody", form(1), "accept", LINES);
    assertThat(unknown.status()).isEqualTo(404);
    var wrong = running.postForm("/embed/batch?priority=x", form(1), "accept", LINES);
    assertThat(wrong.status()).isEqualTo(400);
  }

  @Test
  void aClientThatStopsReadingStopsTheInferenceAndLeavingEndsIt() throws Exception {
    int pictures = GatewayOptions.STREAM_IMAGES;
    byte[] body = form(pictures).bytes();
    long before = executions();
    try (var socket = new Socket()) {
      socket.setReceiveBufferSize(4 << 10);
      socket.connect(
          new InetSocketAddress(InetAddress.getLoopbackAddress(), running.gateway.port()));
      Form.send(
          socket.getOutputStream(),
          "POST /predict_batch/detect?confidence=0&iou=1 HTTP/1.1",
          "host: a",
          "accept: " + LINES,
          "content-type: " + Form.TYPE,
          "content-length: " + body.length,
          "");
      socket.getOutputStream().write(body);
      InputStream in = new BufferedInputStream(socket.getInputStream());
      assertThat(new String(in.readNBytes(12), StandardCharsets.US_ASCII))
          .isEqualTo("HTTP/1.1 200");
      await(() -> executions() > before);
      long begun = settled() - before;
      assertThat(begun).isPositive().isLessThan(pictures);
    }
    await(() -> running.engine.memory().openLeases() == 0);
    await(() -> running.metrics.scrape().contains("api_active_requests 0"));
    assertThat(executions() - before).isLessThan(pictures);
  }

  /** Of the network, which answers 300 boxes to a picture: more than sockets hold. */
  private static long executions() {
    return running
        .metrics
        .scrape()
        .lines()
        .filter(line -> line.startsWith("nv_inference_count{model=\"shapes_detector\""))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(line.lastIndexOf(' '))))
        .sum();
  }

  /** The executions once no more come. */
  private static long settled() {
    List<Long> seen = new ArrayList<>(List.of(executions()));
    long since = System.nanoTime();
    while (System.nanoTime() - since < Duration.ofMillis(1500).toNanos()) {
      long now = executions();
      if (now != seen.getLast()) {
        seen.add(now);
        since = System.nanoTime();
      }
    }
    return seen.getLast();
  }
}
