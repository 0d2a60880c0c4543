package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.Damage;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bodies of every call over HTTP but inference, damaged at random. A failure repeats itself. */
@Timeout(60)
final class HttpFuzzTest {
  private static final int ROUNDS = 150;

  private static RunningServer server;
  private static HttpClient client;

  @BeforeAll
  static void start() {
    server = new RunningServer();
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
  }

  private static HttpResponse<String> post(String path, byte[] body) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.http.port() + path))
            .timeout(Duration.ofSeconds(30))
            .POST(BodyPublishers.ofByteArray(body))
            .build();
    return client.send(request, BodyHandlers.ofString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          /v2/repository/index                | {"ready":true}
          /v2/repository/models/echo/load     | {"parameters":{"config":"{}","file:1/model.onnx":"QUJD"}}
          /v2/repository/models/echo/unload   | {"parameters":{"unload_dependents":true}}
          /v2/logging                         | {"log_verbose_level":1,"log_format":"ISO8601","log_info":true}
          """)
  void whateverIsSentIsAnsweredInWords(String path, String text) throws Exception {
    byte[] whole = text.getBytes(StandardCharsets.UTF_8);
    assertThat(post(path, whole).statusCode()).isEqualTo(200);
    Random random = new Random(path.hashCode());
    for (int round = 0; round < ROUNDS; round++) {
      byte[] damaged =
          Damage.of(whole, random, "{", "}", "[", "\"", ",", ":", "null", "-1", "1e999", "\\u0000");
      HttpResponse<String> answer = post(path, damaged);
      boolean asTriton = answer.body().contains("unexpected error on creating Triton parameter");
      assertThat(answer.statusCode())
          .as("round %d: %s", round, answer.body())
          .isIn(200, 400, asTriton ? 500 : 400);
    }
    assertThat(post("/v2/repository/index", new byte[0]).statusCode()).isEqualTo(200);
    RunningServer.await("leases", () -> server.engine.memory.openLeases() == 0);
  }
}
