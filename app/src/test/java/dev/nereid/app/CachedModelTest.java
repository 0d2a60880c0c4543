package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferResult;
import dev.nereid.client.InferenceClient;
import dev.nereid.core.Shape;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The response cache as clients of both protocols meet it. */
final class CachedModelTest {
  @TempDir Path repository;

  private void model(String name, String config) throws Exception {
    Files.createDirectories(repository.resolve(name).resolve("1"));
    Files.writeString(repository.resolve(name).resolve("config.pbtxt"), config);
  }

  private void models() throws Exception {
    model(
        "slow",
        """
        backend: "delay"
        max_batch_size: 4
        input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 3 ] }
        output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 3 ] }
        response_cache { enable: true }
        dynamic_batching { }
        """);
    model(
        "chain",
        """
        platform: "ensemble"
        max_batch_size: 4
        input { name: "IN" data_type: TYPE_FP32 dims: [ 3 ] }
        output { name: "OUT" data_type: TYPE_FP32 dims: [ 3 ] }
        response_cache { enable: true }
        ensemble_scheduling {
          step {
            model_name: "slow"
            input_map { key: "INPUT0" value: "IN" }
            output_map { key: "OUTPUT0" value: "OUT" }
          }
        }
        """);
  }

  private static InferCall call(String model, String input, float... values) {
    return InferCall.of(model, InferInput.floats(input, Shape.of(1, 3), values));
  }

  private static InferResult ask(InferenceClient client, InferCall call) {
    return client.infer(call).orTimeout(20, TimeUnit.SECONDS).join();
  }

  private static String send(HttpRequest.Builder request) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
    }
  }

  private static HttpRequest.Builder at(int port, String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
  }

  @Test
  void oneAnswerServesBothProtocolsAndIsCounted() throws Exception {
    models();
    try (RunningProgram program =
            new RunningProgram(List.of(repository), "--cache-config=local,size=1000000");
        InferenceClient http = program.http(1);
        InferenceClient grpc = program.grpc(1)) {
      int port = program.server.httpPort();
      InferCall call = call("slow", "INPUT0", 1, 3, 2);
      assertThat(ask(http, call.withId("a")).id()).isEqualTo("a");
      InferResult hit = ask(grpc, call.withId("b"));
      assertThat(hit.id()).isEqualTo("b");
      assertThat(hit.version()).isEqualTo("1");
      assertThat(hit.output("OUTPUT0").floats()).containsExactly(1, 3, 2);
      String classes =
          send(
              at(port, "/v2/models/slow/infer")
                  .POST(
                      HttpRequest.BodyPublishers.ofString(
                          """
                          {"inputs":[{"name":"INPUT0","datatype":"FP32","shape":[1,3],
                            "data":[1,3,2]}],
                           "outputs":[{"name":"OUTPUT0","parameters":{"classification":2}}]}
                          """)));
      assertThat(classes).contains("3.000000:1", "2.000000:2");
      ask(http, call.withParameters(Map.of("delay_ms", 1L)));
      ask(grpc, call.withParameters(Map.of("delay_ms", 1L)));
      assertThat(send(at(port, "/v2/models/slow/stats")))
          .containsPattern("\"inference_count\":\"?2")
          .containsPattern("\"success\":\\{\"count\":\"?5")
          .containsPattern("\"cache_hit\":\\{\"count\":\"?3")
          .containsPattern("\"cache_miss\":\\{\"count\":\"?2");
      assertThat(send(at(program.server.metricsPort(), "/metrics")))
          .contains("nv_cache_num_hits_per_model{model=\"slow\",version=\"1\"} 3\n")
          .contains("nereid_cache_entries 2\n");
    }
  }

  @Test
  void anEnsembleAndItsStepsHaveTheirOwnAnswers() throws Exception {
    models();
    try (RunningProgram program =
            new RunningProgram(List.of(repository), "--response-cache-byte-size=1000000");
        InferenceClient grpc = program.grpc(1)) {
      for (int i = 0; i < 3; i++) {
        InferResult answer = ask(grpc, call("chain", "IN", 1, 2, 3));
        assertThat(answer.model()).isEqualTo("chain");
        assertThat(answer.output("OUT").floats()).containsExactly(1, 2, 3);
      }
      InferResult step = ask(grpc, call("slow", "INPUT0", 1, 2, 3));
      assertThat(step.output("OUTPUT0").floats()).containsExactly(1, 2, 3);
      var ensemble = program.server.engine().statistics("chain", -1).getFirst();
      assertThat(ensemble.cacheHit().count()).isEqualTo(2);
      assertThat(ensemble.cacheMiss().count()).isEqualTo(1);
      var model = program.server.engine().statistics("slow", -1).getFirst();
      assertThat(model.cacheHit().count()).as("the step asks as its own clients do").isOne();
      assertThat(model.executionCount()).isOne();
    }
  }

  @Test
  void withoutACacheTheModelRunsEveryTime() throws Exception {
    models();
    try (RunningProgram program = new RunningProgram(List.of(repository));
        InferenceClient grpc = program.grpc(1)) {
      ask(grpc, call("slow", "INPUT0", 1, 2, 3));
      ask(grpc, call("slow", "INPUT0", 1, 2, 3));
      assertThat(program.server.engine().statistics("slow", -1).getFirst().executionCount())
          .isEqualTo(2);
      assertThat(send(at(program.server.metricsPort(), "/metrics")))
          .doesNotContain("nv_cache_", "nereid_cache_");
    }
  }
}
