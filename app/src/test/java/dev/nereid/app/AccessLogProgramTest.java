package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.access.ApiKey;
import dev.nereid.client.TargetState;
import dev.nereid.tracing.Collector;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the lines of a gateway and of the server behind it tell of who asked what, and how long. */
@Timeout(120)
final class AccessLogProgramTest {
  private static final ApiKey CAMERA = ApiKey.make();
  private static final ApiKey GATEWAY = ApiKey.make();
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";

  @TempDir Path folder;

  private RunningProgram program(String name, Collector collector, String... more)
      throws Exception {
    Path callers = folder.resolve(name + ".yaml");
    Files.writeString(
        callers,
        "camera: {roles: [inference], keys: ['%s']}\ngateway: {roles: [inference], keys: ['%s']}\n"
            .formatted(CAMERA.digest(), GATEWAY.digest()));
    String[] flags = {
      "--callers-file=" + callers,
      "--access-log=json",
      "--access-log-file=" + folder.resolve(name + ".log"),
      "--trace-endpoint=" + collector.endpoint()
    };
    List<String> all = new ArrayList<>(List.of(flags));
    all.addAll(List.of(more));
    return RunningProgram.ofDemoModels(all.toArray(String[]::new));
  }

  private static int post(HttpClient client, int port, String path, byte[] body, ApiKey key)
      throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
            .header("authorization", "Bearer " + key.reveal())
            .header("traceparent", "00-" + TRACE + "-b7ad6b7169203331-01")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body))
            .build();
    return client.send(request, HttpResponse.BodyHandlers.discarding()).statusCode();
  }

  private JsonNode line(String name, String listener, String status) throws IOException {
    List<JsonNode> found =
        Files.readAllLines(folder.resolve(name + ".log")).stream()
            .map(line -> new JsonMapper().readTree(line))
            .filter(line -> line.get("listener").asString().equals(listener))
            .filter(line -> line.get("status").asString().equals(status))
            .toList();
    assertThat(found).as(name + " " + listener + " " + status).hasSize(1);
    return found.getFirst();
  }

  private static void tells(JsonNode line, String caller, String model) {
    assertThat(line.get("caller").asString()).isEqualTo(caller);
    assertThat(line.get("model").asString()).isEqualTo(model);
    assertThat(line.get("version").asInt()).isEqualTo(1);
    assertThat(line.get("trace_id").asString()).isEqualTo(TRACE);
    assertThat(line.get("phases").propertyNames()).contains("queue", "compute", "encode");
  }

  private void ask(Collector collector, ApiKey stranger) throws Exception {
    Path own = Files.writeString(folder.resolve("own"), GATEWAY.reveal());
    byte[] picture = RunningProgram.sample("scene.jpg");
    String tensor = "\"datatype\":\"INT32\",\"shape\":[1,16],\"data\":[" + "1,".repeat(15) + "1]}";
    byte[] tensors =
        "{\"inputs\":[{\"name\":\"INPUT0\",%s,{\"name\":\"INPUT1\",%s]}"
            .formatted(tensor, tensor)
            .getBytes(StandardCharsets.UTF_8);
    try (HttpClient client = HttpClient.newHttpClient();
        RunningProgram server = program("server", collector);
        RunningProgram gateway =
            program(
                "gateway",
                collector,
                "--upstream=127.0.0.1:" + server.server.grpcPort(),
                "--upstream-credentials-file=" + own)) {
      while (gateway.upstreams().status().targets().getFirst().state() != TargetState.LIVE) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(10));
      }
      int port = gateway.server.gatewayPort();
      assertThat(post(client, port, "/detect?key=" + CAMERA.reveal(), picture, CAMERA))
          .isEqualTo(200);
      assertThat(post(client, port, "/detect", picture, stranger)).isEqualTo(401);
      String simple = "/v2/models/simple/versions/1/infer";
      assertThat(post(client, server.server.httpPort(), simple, tensors, CAMERA)).isEqualTo(200);
    }
  }

  @Test
  void callerModelPhasesAndTraceStandInEveryListenersLinesAndSecretsInNone() throws Exception {
    ApiKey stranger = ApiKey.make();
    try (Collector collector = new Collector()) {
      ask(collector, stranger);
      tells(line("gateway", "gateway", "200"), "camera", "detect");
      tells(line("server", "grpc", "OK"), "gateway", "detect");
      tells(line("server", "http", "200"), "camera", "simple");
      assertThat(line("server", "grpc", "OK").get("phases").has("decode")).isTrue();
      assertThat(line("gateway", "gateway", "401").has("trace_id")).isFalse();
      assertThat(collector.spans())
          .anyMatch(span -> span.told("nereid.caller").equals("camera"))
          .anyMatch(span -> span.told("nereid.caller").equals("gateway"));
      String told =
          Files.readString(folder.resolve("gateway.log"))
              + Files.readString(folder.resolve("server.log"))
              + collector.spans();
      for (ApiKey key : List.of(CAMERA, GATEWAY, stranger)) {
        assertThat(told).doesNotContain(key.reveal());
      }
    }
  }
}
