package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.InferenceClient;
import dev.nereid.client.ModelStatistics;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Requests for a chosen server, version or model, through the gateway's plans and its cache: each
 * arm is answered by what it names, and what is kept of one is no answer of another.
 */
@Timeout(120)
final class ChosenServersTest {
  @TempDir private static Path models;
  private static RunningProgram first;
  private static RunningProgram second;
  private static RunningProgram gateway;
  private static HttpClient client;

  @BeforeAll
  static void start() throws Exception {
    Path demo = RunningProgram.HOME.resolve("models");
    try (Stream<Path> files = Files.walk(demo)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        Path copy = models.resolve(demo.relativize(file).toString());
        Files.createDirectories(copy.getParent());
        Files.copy(file, copy);
      }
    }
    Path config = models.resolve("classify/config.pbtxt");
    Files.createDirectories(models.resolve("classify/2"));
    Files.writeString(config, Files.readString(config) + "\nversion_policy { all {} }\n");
    first = new RunningProgram(List.of(models));
    second = new RunningProgram(List.of(models));
    gateway =
        RunningProgram.ofDemoModels(
            "--upstream=" + at(first) + "," + at(second), "--result-cache=local");
    client = HttpClient.newHttpClient();
  }

  @AfterAll
  static void stop() {
    client.close();
    gateway.close();
    first.close();
    second.close();
  }

  private static String at(RunningProgram server) {
    return "127.0.0.1:" + server.server.grpcPort();
  }

  private static HttpResponse<String> send(String verb, String path, byte[] body)
      throws IOException, InterruptedException {
    URI uri = URI.create("http://127.0.0.1:" + gateway.server.gatewayPort() + path);
    HttpRequest request =
        HttpRequest.newBuilder(uri)
            .timeout(Duration.ofSeconds(60))
            .header("content-type", verb.equals("PUT") ? "application/json" : "image/jpeg")
            .method(verb, BodyPublishers.ofByteArray(body))
            .build();
    return client.send(request, BodyHandlers.ofString());
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void plan(String arm) throws Exception {
    byte[] plan = utf8("{\"arms\": [" + arm + "]}");
    HttpResponse<String> answer = send("PUT", "/traffic/classify", plan);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
  }

  /** How the question for the classes of a picture was answered. */
  private static String asked(String arm) throws Exception {
    HttpResponse<String> answer = send("POST", "/classify", RunningProgram.sample("tiny.jpg"));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(answer.headers().firstValue("x-traffic-arm")).contains(arm);
    return answer.headers().firstValue("x-cache").orElse("");
  }

  /** How many pictures a server has classified with a version. */
  private static long done(RunningProgram server, String version) {
    try (InferenceClient statistics = server.grpc(1)) {
      return statistics.statistics("classify").stream()
          .filter(each -> each.version().equals(version))
          .mapToLong(ModelStatistics::inferences)
          .sum();
    }
  }

  private static void assertDone(long first1, long first2, long second1, long second2) {
    assertThat(List.of(done(first, "1"), done(first, "2"), done(second, "1"), done(second, "2")))
        .as("versions 1 and 2 of the first server, and of the second")
        .containsExactly(first1, first2, second1, second2);
  }

  @Test
  void eachArmIsAnsweredByWhatItNamesAndKeepsItsOwnResults() throws Exception {
    plan("{\"name\": \"a\", \"version\": 1, \"upstream\": \"" + at(first) + "\"}");
    assertThat(asked("a")).isEqualTo("miss");
    assertThat(asked("a")).isEqualTo("hit");
    assertDone(1, 0, 0, 0);

    plan("{\"name\": \"b\", \"version\": 1, \"upstream\": \"" + at(second) + "\"}");
    assertThat(asked("b")).as("what the first server said is not its answer").isEqualTo("miss");
    assertThat(asked("b")).isEqualTo("hit");
    assertDone(1, 0, 1, 0);

    plan("{\"name\": \"c\", \"version\": 2, \"upstream\": \"" + at(second) + "\"}");
    assertThat(asked("c")).isEqualTo("miss");
    assertThat(asked("c")).isEqualTo("hit");
    assertDone(1, 0, 1, 1);

    plan("{\"name\": \"d\", \"version\": 2, \"upstream\": \"" + at(first) + "\"}");
    assertThat(asked("d")).isEqualTo("miss");
    assertDone(1, 1, 1, 1);

    plan("{\"name\": \"e\", \"version\": 2}");
    assertThat(asked("e")).as("whichever server").isEqualTo("miss");
    assertThat(asked("e")).isEqualTo("hit");
    assertThat(done(first, "2") + done(second, "2")).isEqualTo(3);

    plan("{\"name\": \"a\", \"version\": 1, \"upstream\": \"" + at(first) + "\"}");
    assertThat(asked("a")).as("kept from before").isEqualTo("hit");
    assertDone(1, done(first, "2"), 1, done(second, "2"));
  }

  @Test
  void anUpstreamThatIsNoneIsRefused() throws Exception {
    byte[] plan = utf8("{\"arms\": [{\"upstream\": \"elsewhere:8001\"}]}");
    HttpResponse<String> answer = send("PUT", "/traffic/classify", plan);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body()).contains("elsewhere:8001").contains("one of those of --upstream");
  }
}
