package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.access.ApiKey;
import java.io.PrintWriter;
import java.io.StringWriter;
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
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The whole program with callers, and the command that makes their keys. */
@Timeout(60)
final class CallersProgramTest {
  private static final List<String> OPEN =
      List.of("GET /health", "GET /healthz", "GET /limits", "GET /", "GET /page/app.js");
  private static final List<String> INFERENCE =
      List.of(
          "POST /detect",
          "POST /classify",
          "POST /embed",
          "POST /embed/image",
          "POST /embed/base64",
          "POST /embed/batch",
          "POST /predict/detect",
          "POST /predict_batch/detect",
          "GET /models");
  private static final List<String> METRICS =
      List.of("GET /metrics", "GET /connections", "GET /traffic");

  @TempDir Path folder;

  private static String run(String... words) {
    Installation installation = new Installation(RunningProgram.HOME, null, "1.2.3");
    StringWriter out = new StringWriter();
    var line = Nereid.commandLine(installation).setOut(new PrintWriter(out));
    StringWriter wrong = new StringWriter();
    line.setErr(new PrintWriter(wrong));
    int code = line.execute(words);
    return code == 0 ? out.toString() : code + " " + wrong;
  }

  @Test
  void aNewKeyComesWithTheLineThatLetsItIn() throws Exception {
    String told = run("key", "new", "camera-1", "--roles=inference,metrics");
    Matcher key = Pattern.compile("nrd_[A-Za-z0-9_-]{43}").matcher(told);
    assertThat(key.find()).isTrue();
    Matcher line = Pattern.compile("(?m)^camera-1: \\{.*}$").matcher(told);
    assertThat(line.find()).isTrue();
    assertThat(line.group())
        .startsWith("camera-1: {roles: [inference, metrics], keys: [\"sha256:")
        .doesNotContain(key.group());
    Path callers = Files.writeString(folder.resolve("callers.yaml"), line.group() + "\n");
    try (var program = program(callers);
        HttpClient client = HttpClient.newHttpClient()) {
      var answer =
          send(client, program.server.gatewayPort(), "GET /models", "x-api-key", key.group());
      assertThat(answer.statusCode()).isEqualTo(200);
    }
    assertThat(run("key", "new", "a b")).startsWith("1 ").contains("expected: 1 to 64 letters");
    assertThat(run("key", "new", "a", "--roles=king")).contains("--roles: king (expected: inf");
  }

  private RunningProgram program(Path callers, String... more) throws Exception {
    Path models = Files.createDirectories(folder.resolve("models"));
    String[] flags = new String[more.length + 1];
    System.arraycopy(more, 0, flags, 0, more.length);
    flags[more.length] = "--callers-file=" + callers;
    return new RunningProgram(List.of(models), flags);
  }

  private static HttpResponse<String> send(
      HttpClient client, int port, String request, String... headers) throws Exception {
    String[] words = request.split(" ", 2);
    var builder =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + words[1]))
            .timeout(Duration.ofSeconds(20));
    if (headers.length > 0) {
      builder.headers(headers);
    }
    var body = words[0].equals("GET") ? BodyPublishers.noBody() : BodyPublishers.ofString("x");
    return client.send(builder.method(words[0], body).build(), BodyHandlers.ofString());
  }

  @Test
  void everyListenerAsksAndEveryRouteHasItsNeed() throws Exception {
    ApiKey infer = ApiKey.make();
    ApiKey measure = ApiKey.make();
    Path callers = folder.resolve("callers.yaml");
    Files.writeString(
        callers,
        "a: {roles: [inference], keys: ['%s']}\nb: {roles: [metrics], keys: ['%s']}\n"
            .formatted(infer.digest(), measure.digest()));
    try (var program = program(callers);
        HttpClient client = HttpClient.newHttpClient()) {
      int gateway = program.server.gatewayPort();
      for (String open : OPEN) {
        assertThat(send(client, gateway, open).statusCode()).as(open).isNotIn(401, 403);
      }
      assertThat(send(client, gateway, "GET /health").body()).doesNotContain("components");
      for (String request : INFERENCE) {
        assertNeeds(client, gateway, request, infer, measure);
      }
      for (String request : METRICS) {
        assertNeeds(client, gateway, request, measure, infer);
      }
      assertNeeds(client, program.server.metricsPort(), "GET /metrics", measure, infer);
      for (String change : List.of("PUT /traffic/m", "POST /traffic/m/promote")) {
        assertThat(send(client, gateway, change).statusCode()).as(change).isEqualTo(401);
        assertThat(send(client, gateway, change, "x-api-key", measure.reveal()).statusCode())
            .as(change)
            .isEqualTo(403);
      }
      int http = program.server.httpPort();
      assertThat(send(client, http, "GET /v2/health/live").statusCode()).isEqualTo(200);
      assertNeeds(client, http, "GET /v2", infer, measure);
      assertNeeds(client, http, "POST /v2/models/m/infer", infer, measure);
      assertNeeds(client, http, "POST /v2/repository/index", infer, measure);
      assertNeeds(client, http, "GET /v2/models/stats", measure, infer);
      for (String admin : List.of("GET /v2/logging", "POST /v2/repository/models/m/load")) {
        assertThat(send(client, http, admin).statusCode()).as(admin).isEqualTo(401);
        assertThat(send(client, http, admin, "x-api-key", infer.reveal()).statusCode())
            .as(admin)
            .isEqualTo(403);
      }
    }
  }

  private static void assertNeeds(
      HttpClient client, int port, String request, ApiKey good, ApiKey other) throws Exception {
    assertThat(send(client, port, request).statusCode()).as(request).isEqualTo(401);
    assertThat(send(client, port, request, "x-api-key", other.reveal()).statusCode())
        .as(request)
        .isEqualTo(403);
    assertThat(send(client, port, request, "x-api-key", good.reveal()).statusCode())
        .as(request)
        .isNotIn(401, 403);
  }

  @Test
  void listenersThatAreNotNamedStayOpen() throws Exception {
    Path callers = Files.writeString(folder.resolve("callers.yaml"), "");
    try (var program = program(callers, "--callers-on=gateway");
        HttpClient client = HttpClient.newHttpClient()) {
      assertThat(send(client, program.server.httpPort(), "GET /v2").statusCode()).isEqualTo(200);
      assertThat(send(client, program.server.gatewayPort(), "GET /models").statusCode())
          .isEqualTo(401);
    }
  }

  @Test
  void optionsOnCallersWithoutCallersAreRefused() {
    assertThatThrownBy(() -> parse("--caller-rate=5"))
        .isInstanceOf(Mishap.class)
        .hasMessageStartingWith("--callers-file: none");
    assertThatThrownBy(() -> parse("--callers-file=x", "--callers-on=gatway"))
        .isInstanceOf(Mishap.class)
        .hasMessageStartingWith("--callers-on: [gatway] (expected: http");
    assertThatThrownBy(() -> parse("--jwt-keys=x.json", "--jwt-issuer=i"))
        .isInstanceOf(Mishap.class)
        .hasMessage("--jwt-audience: none (expected: the aud of tokens)");
    assertThatThrownBy(() -> parse("--gateway-cors-origin=example"))
        .isInstanceOf(Mishap.class)
        .hasMessageStartingWith("--gateway-cors-origin: example (expected: https");
  }

  private static void parse(String... flags) {
    ServeFlags parsed = new ServeFlags();
    new CommandLine(parsed).parseArgs(flags);
    var _ = parsed.options(new Installation(RunningProgram.HOME, null, "1.2.3"));
  }
}
