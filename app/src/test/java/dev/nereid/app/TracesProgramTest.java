package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.tracing.Collector;
import dev.nereid.tracing.Collector.Received;
import io.opentelemetry.proto.trace.v1.Span.SpanKind;
import java.io.ByteArrayOutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A gateway in front of a server, both of which tell a collector what became of requests. */
@Timeout(120)
final class TracesProgramTest {
  private static final String PARENT = "b7ad6b7169203331";
  private static final String MODEL_INFER = "inference.GRPCInferenceService/ModelInfer";
  private static final String ROOT = "POST /detect";
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  @TempDir private static Path folder;
  private static Collector collector;
  private static RunningProgram server;
  private static RunningProgram gateway;
  private static int traces;

  @BeforeAll
  static void start() throws Exception {
    collector = new Collector();
    server = program("server.log");
    gateway = program("gateway.log", "--upstream=127.0.0.1:" + server.server.grpcPort());
  }

  private static RunningProgram program(String log, String... more) throws Exception {
    List<String> flags =
        new ArrayList<>(
            List.of(
                "--trace-endpoint=" + collector.endpoint(),
                "--access-log=json",
                "--access-log-file=" + folder.resolve(log)));
    flags.addAll(List.of(more));
    return RunningProgram.ofDemoModels(flags.toArray(String[]::new));
  }

  @AfterAll
  static void stop() {
    gateway.close();
    server.close();
    collector.close();
    CLIENT.close();
  }

  /** The name of a trace that was not there before. */
  private static String newTrace() {
    return "%032x".formatted(0xabc_0000 + ++traces);
  }

  private static HttpResponse<String> post(
      int port, String path, byte[] body, String trace, String flags, String... headers)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .header("traceparent", "00-" + trace + "-" + PARENT + "-" + flags)
            .header("tracestate", "vendor=1")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  /** All spans of a trace, once the one that ends last is there. */
  private static List<Received> spans(String trace, String last) {
    return collector
        .await(all -> all.stream().anyMatch(each -> is(each, trace) && each.name().equals(last)))
        .stream()
        .filter(each -> is(each, trace))
        .toList();
  }

  private static boolean is(Received span, String trace) {
    return span.traceId().equals(trace);
  }

  private static Received only(List<Received> spans, String service, String name) {
    List<Received> found =
        spans.stream()
            .filter(span -> span.service().equals(service) && span.name().equals(name))
            .toList();
    assertThat(found).as(service + " " + name + " of " + spans).hasSize(1);
    return found.getFirst();
  }

  private static List<String> below(List<Received> spans, Received parent) {
    return spans.stream()
        .filter(span -> span.parentId().equals(parent.id()))
        .map(Received::name)
        .toList();
  }

  private static Received below(List<Received> spans, Received parent, String name) {
    return spans.stream()
        .filter(span -> span.parentId().equals(parent.id()) && span.name().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " below " + parent + " in " + spans));
  }

  /** All but the first one stand below another, and within its time where the clock is the same. */
  private static void areOneTree(List<Received> spans) {
    for (Received span : spans) {
      if (span.parentId().equals(PARENT)) {
        continue;
      }
      List<Received> parents =
          spans.stream().filter(each -> each.id().equals(span.parentId())).toList();
      assertThat(parents).as("parent of " + span).hasSize(1);
      if (parents.getFirst().service().equals(span.service())) {
        assertThat(span.isWithin(parents.getFirst())).as("time of " + span).isTrue();
      }
    }
  }

  private static JsonNode line(String log, String trace) throws Exception {
    long end = System.nanoTime() + 20_000_000_000L;
    while (System.nanoTime() < end) {
      for (String line : Files.readAllLines(folder.resolve(log))) {
        if (line.contains(trace) && line.endsWith("}")) {
          return new JsonMapper().readTree(line);
        }
      }
      Thread.onSpinWait();
    }
    throw new AssertionError("no line of " + trace + " in " + log);
  }

  @Test
  void oneTraceLeadsThroughGatewayAndServer() throws Exception {
    String trace = newTrace();
    byte[] picture = RunningProgram.sample("scene.jpg");
    int port = gateway.server.gatewayPort();
    assertThat(post(port, "/detect", picture, trace, "01").statusCode()).isEqualTo(200);
    List<Received> spans = spans(trace, ROOT);
    Received root = only(spans, "nereid-gateway", ROOT);
    assertThat(root.parentId()).isEqualTo(PARENT);
    assertThat(root.span().getKind()).isEqualTo(SpanKind.SPAN_KIND_SERVER);
    assertThat(root.span().getTraceState()).isEqualTo("vendor=1");
    assertThat(root.told("http.response.status_code")).isEqualTo("200");
    assertThat(root.isError()).isFalse();
    assertThat(below(spans, root)).contains("receive", "detect", "encode");

    Received model = below(spans, root, "detect");
    assertThat(model.told("triton.model_version")).isEqualTo("1");
    Received call = below(spans, model, MODEL_INFER);
    assertThat(call.span().getKind()).isEqualTo(SpanKind.SPAN_KIND_CLIENT);
    assertThat(call.told("server.port")).isEqualTo("" + server.server.grpcPort());
    Received served = below(collectedAfter(trace, call), call, MODEL_INFER);
    assertThat(served.service()).isEqualTo("nereid");
    assertThat(served.span().getKind()).isEqualTo(SpanKind.SPAN_KIND_SERVER);
    spans = spans(trace, ROOT);
    areOneTree(spans);
    isTheServersPart(spans, served);
    assertThat(line("gateway.log", trace).get("trace_id").asString()).isEqualTo(trace);
    assertThat(line("server.log", trace).get("model").asString()).isEqualTo("detect");
  }

  /** The trace's spans once the other process has sent its own. */
  private static List<Received> collectedAfter(String trace, Received call) {
    collector.await(
        all -> all.stream().anyMatch(each -> is(each, trace) && each.parentId().equals(call.id())));
    return spans(trace, ROOT);
  }

  private static void isTheServersPart(List<Received> spans, Received served) {
    assertThat(below(spans, served)).contains("receive", "detect", "encode");
    Received ensemble = below(spans, served, "detect");
    assertThat(below(spans, ensemble))
        .containsExactlyInAnyOrder("detect_preprocess", "shapes_detector", "detect_postprocess");
    Received preprocess = below(spans, ensemble, "detect_preprocess");
    Received steps = below(spans, preprocess, "compute_infer");
    assertThat(below(spans, steps)).containsExactly("decode");
    Received network = below(spans, ensemble, "shapes_detector");
    assertThat(below(spans, network)).contains("queue", "compute_input", "compute_infer");
    assertThat(below(spans, network, "compute_infer").nanos()).isPositive();
  }

  @Test
  void aRequestOfThisProcessTellsItsPhases() throws Exception {
    String trace = newTrace();
    byte[] picture = RunningProgram.sample("scene.jpg");
    assertThat(post(server.server.gatewayPort(), "/detect", picture, trace, "01").statusCode())
        .isEqualTo(200);
    List<Received> spans = spans(trace, ROOT);
    areOneTree(spans);
    Received root = only(spans, "nereid", ROOT);
    Received model = below(spans, root, "detect");
    assertThat(below(spans, model))
        .containsExactlyInAnyOrder("detect_preprocess", "shapes_detector", "detect_postprocess");
    assertThat(spans).extracting(Received::name).contains("receive", "decode", "encode");
    JsonNode line = line("server.log", trace);
    assertThat(line.get("version").asInt()).isEqualTo(1);
    assertThat(line.get("phases").has("decode")).isTrue();
  }

  @Test
  void v2OverHttpIsTracedLikewise() throws Exception {
    String trace = newTrace();
    String tensor = "\"datatype\":\"INT32\",\"shape\":[1,16],\"data\":[" + "1,".repeat(15) + "1]}";
    String body =
        "{\"id\":\"seven\",\"inputs\":[{\"name\":\"INPUT0\",%s,{\"name\":\"INPUT1\",%s]}"
            .formatted(tensor, tensor);
    HttpResponse<String> answer =
        post(
            server.server.httpPort(),
            "/v2/models/simple/infer",
            body.getBytes(StandardCharsets.UTF_8),
            trace,
            "01");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    String name = "POST /v2/models/{model}/infer";
    List<Received> spans = spans(trace, name);
    areOneTree(spans);
    Received root = only(spans, "nereid", name);
    assertThat(root.told("triton.request_id")).isEqualTo("seven");
    assertThat(below(spans, below(spans, root, "simple"))).contains("compute_infer");
    assertThat(line("server.log", trace).get("model").asString()).isEqualTo("simple");
  }

  @Test
  void aFailureOfTheServersIsOneInEverySpanItComesThrough() throws Exception {
    String trace = newTrace();
    byte[] picture = RunningProgram.sample("scene.jpg");
    int port = gateway.server.gatewayPort();
    HttpResponse<String> late =
        post(port, "/detect", picture, trace, "01", "X-Request-Timeout-Ms", "1");
    assertThat(late.statusCode()).isEqualTo(504);
    List<Received> spans = spans(trace, ROOT);
    Received root = only(spans, "nereid-gateway", ROOT);
    assertThat(root.isError()).isTrue();
    assertThat(root.told("error.type")).isEqualTo("deadline_exceeded");
    assertThat(root.told("http.response.status_code")).isEqualTo("504");
    assertThat(below(spans, root, "detect").isError()).isTrue();
  }

  @Test
  void aMistakeOfTheClientsIsNone() throws Exception {
    String trace = newTrace();
    byte[] nonsense = "no picture".getBytes(StandardCharsets.UTF_8);
    int status = post(server.server.gatewayPort(), "/detect", nonsense, trace, "01").statusCode();
    assertThat(status).isBetween(400, 499);
    Received root = only(spans(trace, ROOT), "nereid", ROOT);
    assertThat(root.isError()).isFalse();
    assertThat(root.told("http.response.status_code")).isEqualTo("" + status);
  }

  @Test
  void whatTheParentDoesNotSampleIsCarriedOnAndKeptNowhere() throws Exception {
    String trace = newTrace();
    byte[] picture = RunningProgram.sample("scene.jpg");
    int port = gateway.server.gatewayPort();
    assertThat(post(port, "/detect", picture, trace, "00").statusCode()).isEqualTo(200);
    assertThat(line("gateway.log", trace).get("trace_id").asString()).isEqualTo(trace);
    assertThat(line("server.log", trace).get("trace_id").asString()).isEqualTo(trace);
    String fence = newTrace();
    assertThat(post(port, "/detect", picture, fence, "01").statusCode()).isEqualTo(200);
    assertThat(spans(fence, ROOT)).isNotEmpty();
    assertThat(collector.spans()).noneMatch(span -> is(span, trace));
  }

  @Test
  void ofManyPicturesTheFirstAreTold() throws Exception {
    String trace = newTrace();
    byte[] picture = RunningProgram.sample("tiny.jpg");
    ByteArrayOutputStream archive = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(archive)) {
      for (int i = 0; i < 20; i++) {
        zip.putNextEntry(new ZipEntry(i + ".jpg"));
        zip.write(picture);
      }
    }
    HttpResponse<String> answer =
        post(
            gateway.server.gatewayPort(),
            "/predict_batch/classify",
            archive.toByteArray(),
            trace,
            "01",
            "Content-Type",
            "application/zip",
            "Accept",
            "application/x-ndjson");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    List<Received> spans = spans(trace, "POST /predict_batch/{model}");
    assertThat(spans)
        .filteredOn(span -> span.service().equals("nereid-gateway"))
        .filteredOn(span -> span.name().equals("classify"))
        .hasSize(16);
  }
}
