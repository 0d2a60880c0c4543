package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferResult;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.InferenceException;
import dev.nereid.core.Shape;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Crowds of requests. The models run only when as many wait as {@code max_batch_size} says, so one
 * execution of that size proves that all of them were in flight at one time.
 */
@Timeout(120)
final class ManyInFlightTest {
  private static final int GRPC_CROWD = 10_000;
  private static final int HTTP_CROWD = 1_000;
  private static final int WITHDRAWN = 1_000;
  private static final int ALLOWED = 4;
  private static final int REFUSED = 6;
  private static final String ANSWERED = "answered";

  @TempDir Path repository;

  private void addModel(String name, int crowd) throws IOException {
    Path folder = Files.createDirectories(repository.resolve(name));
    Files.createDirectories(folder.resolve("1"));
    Files.writeString(
        folder.resolve("config.pbtxt"),
        """
        backend: "identity"
        max_batch_size: %1$d
        input { name: "INPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
        output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
        dynamic_batching {
          preferred_batch_size: [ %1$d ]
          max_queue_delay_microseconds: 600000000
        }
        """
            .formatted(crowd));
  }

  private static InferCall call(String model, int number) {
    return InferCall.of(model, InferInput.ints("INPUT0", Shape.of(1, 2), number, ~number))
        .withId("number-" + number);
  }

  private static void assertOwnAnswers(InferenceClient client, String model, int crowd)
      throws Exception {
    List<CompletableFuture<InferResult>> answers = new ArrayList<>();
    for (int i = 0; i < crowd; i++) {
      answers.add(client.infer(call(model, i)));
    }
    for (int i = 0; i < crowd; i++) {
      InferResult answer = answers.get(i).get(100, TimeUnit.SECONDS);
      assertThat(answer.id()).isEqualTo("number-" + i);
      assertThat(answer.output("OUTPUT0").ints()).containsExactly(i, ~i);
    }
  }

  @Test
  void tenThousandOnOneGrpcConnectionEachGetTheirOwnAnswer() throws Exception {
    addModel("crowd", GRPC_CROWD);
    try (var program = new RunningProgram(List.of(repository));
        var client = program.grpc(1)) {
      assertOwnAnswers(client, "crowd", GRPC_CROWD);
      assertThat(client.connections()).isEqualTo(1);
      assertThat(RunningProgram.statistics(client, "crowd").batches())
          .isEqualTo(Map.of((long) GRPC_CROWD, 1L));
    }
  }

  @Test
  void aThousandHttpConnectionsEachGetTheirOwnAnswer() throws Exception {
    addModel("crowd", HTTP_CROWD);
    try (var program = new RunningProgram(List.of(repository));
        var client = program.http(HTTP_CROWD)) {
      assertOwnAnswers(client, "crowd", HTTP_CROWD);
      assertThat(client.connections()).isEqualTo(HTTP_CROWD);
      assertThat(RunningProgram.statistics(client, "crowd").batches())
          .isEqualTo(Map.of((long) HTTP_CROWD, 1L));
    }
  }

  @Test
  void aThousandCallsWithdrawnWhileTheyWaitAreNeverRun() throws Exception {
    Path folder = Files.createDirectories(repository.resolve("busy"));
    Files.createDirectories(folder.resolve("1"));
    Files.writeString(
        folder.resolve("config.pbtxt"),
        """
        backend: "misbehaving"
        max_batch_size: 64
        input { name: "INPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
        output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
        dynamic_batching { }
        """);
    try (var program = new RunningProgram(List.of(repository));
        var client = program.grpc(1)) {
      var running = client.infer(call("busy", 0).withParameters(Map.of("mood", "hangs")));
      MisbehavingProvider.awaitHanging();
      List<CompletableFuture<InferResult>> waiting = new ArrayList<>();
      for (int i = 0; i < WITHDRAWN; i++) {
        waiting.add(client.infer(call("busy", i)));
      }
      awaitMetric(program, "nv_inference_pending_request_count{model=\"busy\",version=\"1\"} 1000");
      waiting.forEach(call -> call.cancel(true));
      awaitMetric(
          program,
          "nv_inference_request_failure{model=\"busy\",version=\"1\",reason=\"CANCELED\"} 1000");
      MisbehavingProvider.letGo();
      assertThat(running.get(20, TimeUnit.SECONDS).output("OUTPUT0").ints()).containsExactly(0, ~0);
      assertOwnAnswers(client, "busy", 1);
      var counted = RunningProgram.statistics(client, "busy");
      assertThat(counted.batches()).isEqualTo(Map.of(1L, 2L));
      assertThat(counted.inferences()).isEqualTo(2);
      assertThat(counted.fail().count()).isEqualTo(WITHDRAWN);
      assertThat(program.openLeases()).isZero();
    } finally {
      MisbehavingProvider.letGo();
    }
  }

  private static void awaitMetric(RunningProgram program, String line) throws Exception {
    URI page = URI.create("http://127.0.0.1:" + program.server.metricsPort() + "/metrics");
    HttpRequest request = HttpRequest.newBuilder(page).build();
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    try (HttpClient http = HttpClient.newHttpClient()) {
      while (true) {
        String text = http.send(request, HttpResponse.BodyHandlers.ofString()).body();
        if (text.contains(line + "\n")) {
          return;
        }
        assertThat(System.nanoTime()).as(line).isLessThan(end);
        LockSupport.parkNanos(1_000_000);
      }
    }
  }

  @Test
  void beyondTheLimitRequestsAreRefusedBeforeTheOthersAreAnswered() throws Exception {
    addModel("crowd", ALLOWED + 1);
    String limit = "--max-in-flight-requests=" + ALLOWED;
    try (var program = new RunningProgram(List.of(repository), limit);
        var grpc = program.grpc(1);
        var http = program.http(ALLOWED + REFUSED)) {
      assertRefusesSome(grpc, "UNAVAILABLE", http);
      assertRefusesSome(http, "503", grpc);
      assertThat(RunningProgram.statistics(http, "crowd").batches())
          .isEqualTo(Map.of(ALLOWED + 1L, 2L));
    }
  }

  /** The call through the other listener, which has a limit of its own, completes the batch. */
  private static void assertRefusesSome(InferenceClient client, String code, InferenceClient other)
      throws Exception {
    BlockingQueue<String> ended = new LinkedBlockingQueue<>();
    for (int i = 0; i < ALLOWED + REFUSED; i++) {
      send(client, i, ended);
    }
    for (int i = 0; i < REFUSED; i++) {
      assertThat(ended.poll(20, TimeUnit.SECONDS)).isEqualTo(code);
    }
    assertThat(ended).isEmpty();
    send(other, -1, ended);
    for (int i = 0; i <= ALLOWED; i++) {
      assertThat(ended.poll(20, TimeUnit.SECONDS)).isEqualTo(ANSWERED);
    }
  }

  private static void send(InferenceClient client, int number, BlockingQueue<String> ended) {
    var _ =
        client
            .infer(call("crowd", number))
            .handle(
                (answer, failure) ->
                    ended.add(
                        failure instanceof InferenceException refused
                            ? refused.failure().code()
                            : ANSWERED));
  }
}
