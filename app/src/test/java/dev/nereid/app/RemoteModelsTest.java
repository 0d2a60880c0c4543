package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Loading and unloading at a gateway in front of other servers. */
@Timeout(120)
final class RemoteModelsTest {
  private static final HttpClient CLIENT = HttpClient.newHttpClient();

  private static HttpResponse<String> post(RunningProgram front, String path) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + front.server.gatewayPort() + path);
    return CLIENT.send(
        HttpRequest.newBuilder(uri).POST(HttpRequest.BodyPublishers.noBody()).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private static String index(RunningProgram front) throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + front.server.gatewayPort() + "/models/index");
    return CLIENT
        .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
        .body();
  }

  private static void waitForSimple(RunningProgram front, boolean there) throws Exception {
    while (index(front).contains("\"simple\"") != there) {
      Thread.onSpinWait();
    }
  }

  @Test
  void happenOnEveryServer() throws Exception {
    String[] explicit = {"--model-control-mode=explicit", "--load-model=simple"};
    try (RunningProgram one = RunningProgram.ofDemoModels(explicit);
        RunningProgram two = RunningProgram.ofDemoModels(explicit);
        RunningProgram front =
            RunningProgram.ofDemoModels(
                "--upstream=127.0.0.1:%d,127.0.0.1:%d"
                    .formatted(one.server.grpcPort(), two.server.grpcPort()))) {
      assertThat(index(front)).contains("\"on_request\":true,\"remote\":true");
      waitForSimple(front, true);
      assertThat(post(front, "/models/simple/unload").statusCode()).isEqualTo(200);
      waitForSimple(front, false);
      assertThat(post(front, "/models/simple/load").statusCode()).isEqualTo(200);
      waitForSimple(front, true);
      assertThat(one.server.engine().versions("simple", -1)).containsExactly(1L);
      assertThat(two.server.engine().versions("simple", -1)).containsExactly(1L);
      var refused = post(front, "/models/nowhere/load");
      assertThat(refused.statusCode()).isEqualTo(500);
      assertThat(refused.body())
          .contains("upstream 127.0.0.1:" + one.server.grpcPort() + ": failed to load 'nowhere'")
          .contains("upstream 127.0.0.1:" + two.server.grpcPort());
    }
  }

  @Test
  void areRefusedInTheWordsOfAServerThatDoesNotAllowIt() throws Exception {
    try (RunningProgram fixed = RunningProgram.ofDemoModels("--model-control-mode=none");
        RunningProgram front =
            RunningProgram.ofDemoModels("--upstream=127.0.0.1:" + fixed.server.grpcPort());
        RunningProgram alone = RunningProgram.ofDemoModels("--upstream=127.0.0.1:1")) {
      var refused = post(front, "/models/simple/unload");
      assertThat(refused.statusCode()).isEqualTo(503);
      assertThat(refused.body()).contains("explicit model load / unload is not allowed");
      var nobody = post(alone, "/models/simple/unload");
      assertThat(nobody.statusCode()).isEqualTo(503);
      assertThat(nobody.body()).contains("no upstream answers");
    }
  }
}
