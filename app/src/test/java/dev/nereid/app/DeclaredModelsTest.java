package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.app.RecordingProvider.Execution;
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
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What configurations declare of resources, queues, optional inputs and warm-up, as clients of a
 * whole server meet it over either protocol.
 */
@Timeout(60)
final class DeclaredModelsTest {
  private static final String ONE =
      """
      backend: "recording"
      input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
      output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
      """;

  private static final String LIMITED =
      """
      instance_group { count: 1 rate_limiter { resources { name: "R" count: 1 } priority: %d } }
      """;

  private static final String OPTIONAL =
      """
      backend: "recording"
      max_batch_size: 8
      input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
      input { name: "INPUT1" data_type: TYPE_FP32 dims: [ 2 ] optional: true }
      output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
      output { name: "OUTPUT1" data_type: TYPE_FP32 dims: [ 2 ] }
      """;

  private static final String QUEUED =
      """
      backend: "recording"
      max_batch_size: 1
      input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
      output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
      instance_group { count: 1 }
      dynamic_batching {
        priority_levels: 2
        default_priority_level: 2
        default_queue_policy { %s }
      }
      """;

  /** How a client speaks. */
  enum Protocol {
    HTTP,
    GRPC;

    InferenceClient client() {
      return this == HTTP ? program.http(32) : program.grpc(1);
    }

    RepositoryClient repository() {
      return this == HTTP ? RepositoryClient.overHttp(program) : RepositoryClient.overGrpc(program);
    }
  }

  @TempDir private static Path repository;
  private static RunningProgram program;

  @BeforeAll
  static void start() throws Exception {
    model("often", ONE + LIMITED.formatted(1));
    model("seldom", ONE + LIMITED.formatted(3));
    model("free", ONE);
    model("greedy", ONE + LIMITED.formatted(1).replace("count: 1 }", "count: 2 }"));
    model("optional", OPTIONAL);
    model("short", QUEUED.formatted("max_queue_size: 2"));
    model("hasty", QUEUED.formatted("default_timeout_microseconds: 700000"));
    List<String> flags = new ArrayList<>();
    for (String loaded : List.of("often", "seldom", "free", "optional", "short", "hasty")) {
      flags.add("--load-model=" + loaded);
    }
    flags.add("--model-control-mode=explicit");
    flags.add("--rate-limit=execution_count");
    flags.add("--rate-limit-resource=R:1");
    flags.add("--allow-gateway=false");
    program = new RunningProgram(List.of(repository), flags.toArray(String[]::new));
  }

  @AfterAll
  static void stop() {
    program.close();
  }

  @AfterEach
  void nothingIsHeld() {
    RecordingProvider.letGo();
    RecordingProvider.forget();
  }

  private static Path model(String name, String config) throws IOException {
    Path directory = repository.resolve(name);
    Files.createDirectories(directory.resolve("1"));
    Files.writeString(directory.resolve("config.pbtxt"), config);
    return directory;
  }

  private static CompletableFuture<InferResult> ask(InferenceClient client, String model) {
    return client
        .infer(InferCall.of(model, InferInput.floats("INPUT0", Shape.of(2), 3, 4)))
        .orTimeout(30, TimeUnit.SECONDS);
  }

  private static void await(String what, BooleanSupplier holds) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!holds.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  @ParameterizedTest
  @EnumSource
  void onlyOneOfThoseWhoNeedAResourceExecutes(Protocol protocol) {
    try (InferenceClient client = protocol.client()) {
      RecordingProvider.hold();
      var holding = ask(client, "often");
      await("it executes", () -> RecordingProvider.executed("often").size() == 1);
      var waiting = ask(client, "seldom");
      var free = ask(client, "free");
      await("who needs nothing executes", () -> RecordingProvider.executed("free").size() == 1);
      assertThat(RecordingProvider.executed("seldom")).isEmpty();
      RecordingProvider.letGo();
      for (var each : List.of(holding, waiting, free)) {
        assertThat(each.join().output("OUTPUT0").floats()).containsExactly(3, 4);
      }
      assertThat(RecordingProvider.executed("seldom")).hasSize(1);
    }
  }

  @ParameterizedTest
  @EnumSource
  void executionsGoByPriority(Protocol protocol) {
    try (InferenceClient client = protocol.client()) {
      RecordingProvider.hold();
      List<CompletableFuture<InferResult>> answers = new ArrayList<>();
      answers.add(ask(client, "often"));
      await("it executes", () -> RecordingProvider.executed("often").size() == 1);
      for (int i = 0; i < 6; i++) {
        answers.add(ask(client, "often"));
        answers.add(ask(client, "seldom"));
      }
      await("all of them wait", () -> waiting("often") == 6 && waiting("seldom") == 6);
      RecordingProvider.letGo();
      answers.forEach(CompletableFuture::join);
      List<String> order = RecordingProvider.executed().stream().map(Execution::model).toList();
      assertThat(order).hasSize(13);
      List<String> untilOftenIsDone = order.subList(0, order.lastIndexOf("often"));
      assertThat(untilOftenIsDone.stream().filter("seldom"::equals).count())
          .as("one of three: %s", order)
          .isBetween(1L, 3L);
    }
  }

  /** Requests of a model that have come and are not executed. */
  private static long waiting(String model) {
    String sample = "nv_inference_pending_request_count{model=\"" + model + "\",version=\"1\"} ";
    return scrape()
        .lines()
        .filter(line -> line.startsWith(sample))
        .mapToLong(line -> (long) Double.parseDouble(line.substring(sample.length())))
        .sum();
  }

  private static String scrape() {
    URI page = URI.create("http://127.0.0.1:" + program.server.metricsPort() + "/metrics");
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client
          .sendAsync(HttpRequest.newBuilder(page).build(), HttpResponse.BodyHandlers.ofString())
          .join()
          .body();
    }
  }

  @ParameterizedTest
  @EnumSource
  void whoNeedsMoreThanThereIsIsNotLoaded(Protocol protocol) {
    try (RepositoryClient client = protocol.repository()) {
      assertThatThrownBy(() -> client.load("greedy"))
          .hasMessageContaining("is limited to 1 which will prevent scheduling");
    }
  }

  @ParameterizedTest
  @EnumSource
  void optionalInputsMayBeLeftOut(Protocol protocol) {
    InferInput first = InferInput.floats("INPUT0", Shape.of(1, 2), 1, 2);
    InferInput second = InferInput.floats("INPUT1", Shape.of(1, 2), 3, 4);
    try (InferenceClient client = protocol.client()) {
      InferResult both = client.infer(InferCall.of("optional", first, second)).join();
      assertThat(both.output("OUTPUT0").floats()).containsExactly(1, 2);
      assertThat(both.output("OUTPUT1").floats()).containsExactly(3, 4);
      InferResult one = client.infer(InferCall.of("optional", first)).join();
      assertThat(one.output("OUTPUT0").floats()).containsExactly(1, 2);
      assertThat(one.outputs()).hasSize(1);
      assertThat(RecordingProvider.executed("optional").getLast().requests().getFirst())
          .containsOnlyKeys("INPUT0");
      assertThatThrownBy(() -> client.infer(InferCall.of("optional", second)).join())
          .hasMessageContaining("expected number of inputs between 1 and 2 but got 1")
          .hasMessageContaining("missing required input(s) ['INPUT0']");
      assertThat(client.model("optional").inputs()).hasSize(2);
    }
  }

  private static CompletableFuture<InferResult> queue(
      InferenceClient client, String model, long priority, float value) {
    InferInput input = InferInput.floats("INPUT0", Shape.of(1, 2), value, value);
    return client
        .infer(InferCall.of(model, input).withParameters(Map.of("priority", priority)))
        .orTimeout(30, TimeUnit.SECONDS);
  }

  private static void assertUnavailable(CompletableFuture<InferResult> call, String text) {
    assertThatThrownBy(call::join)
        .cause()
        .isInstanceOfSatisfying(
            InferenceException.class,
            e -> assertThat(e.failure().code()).isIn("503", "UNAVAILABLE"))
        .hasMessageContaining(text);
  }

  @ParameterizedTest
  @EnumSource
  void urgentRequestsGoFirstAndALevelThatIsFullRefuses(Protocol protocol) {
    try (InferenceClient client = protocol.client()) {
      RecordingProvider.hold();
      List<CompletableFuture<InferResult>> answers = new ArrayList<>();
      answers.add(queue(client, "short", 0, 1));
      await("it executes", () -> RecordingProvider.executed("short").size() == 1);
      answers.add(queue(client, "short", 0, 2));
      answers.add(queue(client, "short", 2, 2));
      await("they wait", () -> waiting("short") == 2);
      assertUnavailable(queue(client, "short", 0, 3), "Exceeds maximum queue size");
      answers.add(queue(client, "short", 1, 4));
      await("the urgent one waits, too", () -> waiting("short") == 3);
      RecordingProvider.letGo();
      answers.forEach(CompletableFuture::join);
      assertThat(RecordingProvider.executed("short"))
          .extracting(execution -> rows(execution).getFirst())
          .containsExactly(1f, 4f, 2f, 2f);
    }
  }

  @ParameterizedTest
  @EnumSource
  void whatWaitsLongerThanTheQueueAllowsIsRefused(Protocol protocol) {
    try (InferenceClient client = protocol.client()) {
      RecordingProvider.hold();
      var first = queue(client, "hasty", 0, 1);
      await("it executes", () -> RecordingProvider.executed("hasty").size() == 1);
      assertUnavailable(queue(client, "hasty", 0, 2), "Request timeout expired");
      RecordingProvider.letGo();
      assertThat(first.join().output("OUTPUT0").floats()).containsExactly(1, 1);
      assertThat(RecordingProvider.executed("hasty")).hasSize(1);
    }
  }

  private static String sample(String name, String size, String data) {
    return """
        model_warmup {
          name: "%s" %s
          inputs { key: "INPUT0" value: { data_type: TYPE_FP32 dims: [ 2 ] %s } }
        }
        """
        .formatted(name, size, data);
  }

  @ParameterizedTest
  @EnumSource
  void samplesRunBeforeAModelTakesRequestsAndAreNotCounted(Protocol protocol) throws Exception {
    Path directory =
        model(
            "warm",
            ONE
                + "max_batch_size: 4\ninstance_group { count: 2 }\n"
                + sample("zeros", "batch_size: 3", "zero_data: true")
                + sample("any", "batch_size: 1 count: 2", "random_data: true")
                + sample("file", "batch_size: 1", "input_data_file: \"two\""));
    ByteBuffer two = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(7).putFloat(8);
    Files.write(Files.createDirectories(directory.resolve("warmup")).resolve("two"), two.array());
    try (RepositoryClient repositoryClient = protocol.repository();
        InferenceClient client = protocol.client()) {
      repositoryClient.load("warm");
      assertThat(client.isModelReady("warm")).isTrue();
      List<Execution> runs = RecordingProvider.executed("warm");
      assertThat(runs).as("four runs on each of two instances").hasSize(8);
      assertThat(runs.stream().filter(run -> rows(run).equals(List.of(0f, 0f, 0f, 0f, 0f, 0f))))
          .hasSize(2);
      assertThat(runs.stream().filter(run -> rows(run).equals(List.of(7f, 8f)))).hasSize(2);
      assertThat(runs.stream().map(DeclaredModelsTest::rows).filter(DeclaredModelsTest::isRandom))
          .hasSize(4);
      assertThat(client.statistics("warm").getFirst().inferences()).isZero();
      assertThat(client.statistics("warm").getFirst().success().count()).isZero();
      repositoryClient.unload("warm");
    }
  }

  /** All that the requests of an execution brought, in a row. */
  private static List<Float> rows(Execution run) {
    return run.requests().stream()
        .flatMap(request -> Objects.requireNonNull(request.get("INPUT0")).stream())
        .toList();
  }

  private static boolean isRandom(List<Float> values) {
    return values.size() == 2 && values.stream().allMatch(value -> value > 0 && value <= 1);
  }

  @ParameterizedTest
  @EnumSource
  void aSampleThatFailsFailsTheLoad(Protocol protocol) throws Exception {
    String sample = sample("wide", "batch_size: 1", "zero_data: true").replace("[ 2 ]", "[ 3 ]");
    model("cold", ONE + sample);
    try (RepositoryClient client = protocol.repository()) {
      assertThatThrownBy(() -> client.load("cold"))
          .hasMessageContaining("failed to run warmup sample 'wide': ")
          .hasMessageContaining("unexpected shape for input 'INPUT0'");
      assertThat(client.index().get("cold/1")).startsWith("UNAVAILABLE: failed to run warmup");
    }
  }
}
