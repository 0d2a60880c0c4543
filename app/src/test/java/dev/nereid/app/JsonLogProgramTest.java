package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A server whose log is JSON writes nothing else to it, whatever happens while it lives. */
@Timeout(120)
final class JsonLogProgramTest {
  private static final String TENSORS =
      """
      input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1 ] }
      output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1 ] }
      """;

  private static final String THROWING =
      "backend: \"delay\"\n"
          + TENSORS
          + "parameters { key: \"throw_every\" value { string_value: \"1\" } }";

  private static final String ONE =
      """
      {"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1],"data":[1]}]}
      """;

  @TempDir Path folder;

  private void model(String name, String config) throws IOException {
    Path version = Files.createDirectories(folder.resolve("models").resolve(name).resolve("1"));
    Files.writeString(version.resolveSibling("config.pbtxt"), config);
  }

  private void models() throws IOException {
    model("good", "backend: \"identity\"\n" + TENSORS);
    model("throws", THROWING);
    model("unknown \"field\"", "no_such_field: 1");
    model("damaged", "backend: \"onnxruntime\"");
    Files.write(folder.resolve("models/damaged/1/model.onnx"), new byte[] {8, 9, 58, 127, 1});
  }

  private static int infer(HttpClient client, int port, String model) throws Exception {
    URI place = URI.create("http://127.0.0.1:" + port + "/v2/models/" + model + "/infer");
    HttpRequest request = HttpRequest.newBuilder(place).POST(BodyPublishers.ofString(ONE)).build();
    return client.send(request, BodyHandlers.discarding()).statusCode();
  }

  private static List<JsonNode> objects(Path file) throws IOException {
    return Files.readAllLines(file).stream()
        .map(line -> new JsonMapper().readTree(line))
        .peek(object -> assertThat(object.isObject()).as("%s", object).isTrue())
        .toList();
  }

  @Test
  void everyLineOfTheLogAndOfTheAccessLogIsAnObject() throws Exception {
    models();
    Path log = folder.resolve("stderr");
    Path access = folder.resolve("access");
    List<String> flags =
        List.of("--log-format=json", "--log-verbose=1", "--access-log-file=" + access);
    var start = new ChildServer.Start("exec 2>'" + log + "'", Map.of(), List.of(), flags);
    try (ChildServer server = new ChildServer(folder.resolve("models"), start);
        HttpClient client = HttpClient.newHttpClient()) {
      assertThat(infer(client, server.httpPort(), "good")).isEqualTo(200);
      assertThat(infer(client, server.httpPort(), "throws")).isEqualTo(500);
      assertThat(infer(client, server.httpPort(), "damaged")).isEqualTo(404);
      ProcessHandle.of(server.pid()).orElseThrow().destroy();
      assertThat(server.awaitExit()).as(server.output()).isZero();
    }
    List<JsonNode> lines = objects(log);
    assertThat(lines)
        .allSatisfy(
            line ->
                assertThat(line.propertyNames())
                    .contains("time", "level", "process", "logger", "message"))
        .anyMatch(line -> line.path("error").asString("").contains("told to throw"))
        .anyMatch(line -> line.path("message").asString("").contains("no_such_field"))
        .anyMatch(line -> line.path("message").asString("").contains("Every request was answered"));
    assertThat(objects(access))
        .extracting(line -> line.path("status").asString())
        .containsExactly("200", "500", "404");
  }
}
