package dev.nereid.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Labelling;
import dev.nereid.core.Reply;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.engine.EngineOptions.Control;
import dev.nereid.engine.EngineOptions.ControlMode;
import java.nio.file.Files;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Loading, unloading and reloading on request. */
final class ModelControlTest extends EngineFixture {
  private static final Map<String, Object> LONG = Map.of("delay_ms", 300L);

  private static void load(Engine engine, String model) {
    engine.load(model, LoadParameters.NONE);
  }

  private static long answered(Engine engine, String model) {
    return engine.statistics(model, -1).getFirst().success().count();
  }

  @Test
  void whatIsLoadedServesAndWhatIsUnloadedDoesNot() {
    models.identity("id", 2, "");
    Engine engine = explicit();
    assertThat(engine.isReady()).isTrue();
    assertThat(states(engine, "id")).containsExactly("0 UNKNOWN");
    assertThat(infer(engine, "id", -1, "INPUT0").failure().fault()).isEqualTo(Fault.NOT_FOUND);
    load(engine, "id");
    assertThat(engine.isReady("id", 1)).isTrue();
    infer(engine, "id", -1, "INPUT0").response();
    engine.unload("id", false);
    awaitState(engine, "id", "1 UNAVAILABLE");
    assertThat(reason(engine, "id")).isEqualTo("unloaded");
    assertThat(infer(engine, "id", -1, "INPUT0").failure().message())
        .isEqualTo("Request for unknown model: 'id' has no available versions");
    assertThat(infer(engine, "id", 1, "INPUT0").failure().fault()).isEqualTo(Fault.NOT_READY);
    assertThat(engine.isReady()).as("unloaded on purpose").isTrue();
    assertThat(engine.isReady("id", -1)).as("known, not served").isFalse();
    load(engine, "id");
    infer(engine, "id", -1, "INPUT0").response();
    assertThat(answered(engine, "id")).as("a new load counts anew").isEqualTo(1);
  }

  @Test
  void aSecondLoadOfTheSameChangesNothing() {
    models.identity("id", 2, "");
    Engine engine = explicit("id");
    infer(engine, "id", -1, "INPUT0").response();
    load(engine, "id");
    assertThat(answered(engine, "id")).isEqualTo(1);
    assertThat(metrics.scrape())
        .contains("nereid_model_loads_total{model=\"id\",outcome=\"success\"} 1\n");
  }

  @Test
  void unloadingWhatIsNotThereIsNoError() {
    Engine engine = explicit();
    engine.unload("nobody", true);
    assertThat(engine.index()).isEmpty();
  }

  @Test
  void otherModesRefuseInTritonsWords() {
    models.identity("id", 2, "");
    for (ControlMode mode : List.of(ControlMode.NONE, ControlMode.POLL)) {
      Engine engine = open(EngineOptions.of(root).with(Control.of(mode)));
      for (Failure failure :
          List.of(
              refusal(() -> load(engine, "id")).failure(),
              refusal(() -> engine.unload("id", false)).failure())) {
        assertThat(failure.fault()).isEqualTo(Fault.NOT_READY);
        assertThat(failure.message())
            .startsWith("explicit model load / unload is not allowed if polling is enabled");
      }
      infer(engine, "id", -1, "INPUT0").response();
    }
  }

  @Test
  void whatIsNamedAtTheStartIsLoadedWithItsStepsAndTheRestIsNot() {
    models.identity("a", 2, "").identity("b", 2, "").identity("c", 2, "").chain("e", "a", "b");
    Engine engine = explicit("e", "missing");
    assertThat(states(engine, "e")).containsExactly("1 READY");
    assertThat(states(engine, "a")).containsExactly("1 READY");
    assertThat(states(engine, "c")).containsExactly("0 UNKNOWN");
    assertThat(reason(engine, "missing"))
        .isEqualTo("failed to load 'missing', failed to poll from model repository");
    assertThat(engine.started().join().failures())
        .extracting(IndexEntry::model)
        .containsExactly("missing");
    assertThat(engine.isReady()).isFalse();
    engine.unload("missing", false);
    assertThat(engine.isReady()).isTrue();
    assertThat(states(explicit("*"), "c")).containsExactly("1 READY");
  }

  @Test
  void whatCannotBeLoadedSaysWhyInTritonsWords() {
    models.identity("good", 2, "").model("bad", "nonsense: 3").model("alien", "backend: \"x\"");
    write("empty/config.pbtxt", "backend: \"identity\"");
    Engine engine = explicit("good");
    assertFails(
        engine,
        "gone",
        Fault.INTERNAL,
        "failed to load 'gone', failed to poll from model repository");
    assertFails(engine, "empty", Fault.INTERNAL, "failed to load 'empty', no version is available");
    assertFails(engine, "bad", Fault.INVALID_ARGUMENT, "load failed for model 'bad': ");
    assertFails(
        engine,
        "alien",
        Fault.INVALID_ARGUMENT,
        "load failed for model 'alien': version 1 is at UNAVAILABLE state: unable to find backend");
    assertFails(engine, "../good", Fault.INVALID_ARGUMENT, "invalid model name '../good'");
    assertThat(engine.isReady()).as("models that failed count").isFalse();
    infer(engine, "good", -1, "INPUT0").response();
    assertThat(engine.index()).noneMatch(entry -> entry.model().equals("gone"));
  }

  private static void assertFails(Engine engine, String model, Fault fault, String message) {
    Failure failure = refusal(() -> load(engine, model)).failure();
    assertThat(failure.fault()).isEqualTo(fault);
    assertThat(failure.message()).startsWith(message);
  }

  @Test
  void aReloadThatFailsLeavesTheOldOne() {
    models.identity("id", 2, "");
    Engine engine = explicit("id");
    infer(engine, "id", -1, "INPUT0").response();
    models.identity("id", 2, "model_warmup { name: \"w\" batch_size: 1 }");
    assertFails(
        engine,
        "id",
        Fault.INVALID_ARGUMENT,
        "load failed for model 'id': version 1 is at UNAVAILABLE state: failed to run warmup");
    models.model("id", "nonsense: 1");
    assertFails(engine, "id", Fault.INVALID_ARGUMENT, "load failed for model 'id': ");
    assertThat(states(engine, "id")).containsExactly("1 READY");
    assertThat(engine.isReady()).isTrue();
    infer(engine, "id", -1, "INPUT0").response();
    assertThat(answered(engine, "id")).isEqualTo(2);
    models.identity("id", 2, "");
    load(engine, "id");
    assertThat(engine.isReady("id", 1)).isTrue();
  }

  @Test
  void theOldOneFinishesWhatItHasWhileTheNewOneAnswers() {
    models.delay("d", "");
    Engine engine = explicit("d");
    RecordingReply slow = infer(engine, "d", -1, "INPUT0", LONG);
    await("it runs", () -> engine.statistics("d", 1).getFirst().executionCount() == 0);
    models.delay("d", "dynamic_batching {}");
    load(engine, "d");
    assertThat(engine.config("d", -1).hasDynamicBatching()).isTrue();
    infer(engine, "d", -1, "INPUT0").response();
    assertThat(slow.isDone()).as("the old one is still at it").isFalse();
    slow.response();
  }

  @Test
  void whatIsUnloadedAnswersWhatItHas() {
    models.delay("d", "");
    Engine engine = explicit("d");
    RecordingReply slow = infer(engine, "d", -1, "INPUT0", LONG);
    engine.unload("d", false);
    assertThat(states(engine, "d")).containsExactly("1 UNLOADING");
    load(engine, "d");
    assertThat(states(engine, "d")).containsExactly("1 READY");
    slow.response();
    infer(engine, "d", -1, "INPUT0").response();
    assertThat(engine.drain(Duration.ofSeconds(20))).isTrue();
    assertThat(states(engine, "d")).containsExactly("1 READY");
  }

  @Test
  void versionsComeAndGoAndThoseThatStayAreNotTouched() throws Exception {
    models.identity("id", 2, "version_policy { latest { num_versions: 2 } }");
    Engine engine = explicit("id");
    infer(engine, "id", 1, "INPUT0").response();
    Files.createDirectories(root.resolve("id/2"));
    load(engine, "id");
    assertThat(engine.versions("id", -1)).containsExactly(1L, 2L);
    assertThat(infer(engine, "id", -1, "INPUT0").response().version()).isEqualTo(2);
    assertThat(engine.statistics("id", 1).getFirst().success().count()).isEqualTo(1);
    models.identity("id", 2, "version_policy { all {} }");
    load(engine, "id");
    assertThat(engine.statistics("id", 1).getFirst().success().count())
        .as("another policy is no reason to load anew")
        .isEqualTo(1);
    models.identity("id", 2, "version_policy { specific { versions: [ 2 ] } }");
    load(engine, "id");
    awaitState(engine, "id", "1 UNAVAILABLE", "2 READY");
    assertThat(infer(engine, "id", 1, "INPUT0").failure().fault()).isEqualTo(Fault.NOT_READY);
    assertThat(engine.isReady()).isTrue();
  }

  @Test
  void moreInstancesKeepTheStatistics() {
    models.delay("d", "");
    Engine engine = explicit("d");
    infer(engine, "d", -1, "INPUT0").response();
    models.delay("d", "instance_group { kind: KIND_CPU count: 2 }");
    load(engine, "d");
    assertThat(engine.config("d", -1).getInstanceGroupCount()).isEqualTo(2);
    assertThat(answered(engine, "d")).isEqualTo(1);
  }

  @Test
  void labelsAreReadAgain() {
    models.model(
        "id",
        """
        backend: "identity"
        max_batch_size: 8
        input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
        output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 2 ] label_filename: "labels.txt" }
        """);
    write("id/labels.txt", "cat\ndog\n");
    Engine engine = explicit("id");
    write("id/labels.txt", "rabbit\ndog\n");
    load(engine, "id");
    assertThat(engine.labels("id", -1, "OUTPUT0")).containsExactly("rabbit", "dog");
  }

  @Test
  void classesAreNamedByTheLabelsOfTheLoadThatAnswers() throws Exception {
    models.delay("d", "");
    write(
        "d/config.pbtxt",
        Files.readString(root.resolve("d/config.pbtxt"))
            .replace("output {", "output { label_filename: \"labels.txt\" "));
    write("d/labels.txt", "cat\ndog\n");
    Engine engine = explicit("d");
    List<List<String>> told = new ArrayList<>();
    var answered = new CountDownLatch(1);
    Reply reply =
        new Reply() {
          @Override
          public void takenBy(Labelling load) {
            told.add(load.labels("OUTPUT0"));
          }

          @Override
          public void respond(InferResponse response) {
            response.close();
            answered.countDown();
          }

          @Override
          public void fail(Failure failure) {}
        };
    Tensor tensor = new TestTensors(engine.memory()).floats("INPUT0", Shape.of(1, 2), 3, 4);
    var classes = List.of(new RequestedOutput("OUTPUT0", 1));
    var call = new InferRequest.Call("d", -1, "", LONG, classes, 0, 0, 0, Long.MAX_VALUE);
    engine.infer(new InferRequest(call, List.of(tensor), List.of(tensor.lease()), reply));
    write("d/labels.txt", "rabbit\ndog\n");
    load(engine, "d");
    assertThat(engine.labels("d", -1, "OUTPUT0")).containsExactly("rabbit", "dog");
    assertThat(answered.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(told).containsExactly(List.of("cat", "dog"));
  }

  @Test
  void callsForOneModelTakeTurnsAndOthersDoNotWait() {
    String slow =
        "model_warmup { name: \"w\" batch_size: 1 inputs { key: \"INPUT0\" value: "
            + "{ data_type: TYPE_FP32 dims: 2 zero_data: true } } } "
            + "parameters { key: \"delay_ms\" value: { string_value: \"500\" } }";
    models.delay("slow", slow).identity("quick", 2, "");
    Engine engine = explicit();
    var first = CompletableFuture.runAsync(() -> load(engine, "slow"));
    var second = CompletableFuture.runAsync(() -> load(engine, "slow"));
    await("loading", () -> states(engine, "slow").equals(List.of("1 LOADING")));
    assertThat(engine.isReady()).as("what is added meanwhile does not count yet").isTrue();
    load(engine, "quick");
    infer(engine, "quick", -1, "INPUT0").response();
    assertThat(states(engine, "slow")).containsExactly("1 LOADING");
    assertThat(infer(engine, "slow", -1, "INPUT0").failure().fault()).isEqualTo(Fault.NOT_READY);
    first.join();
    second.join();
    assertThat(metrics.scrape())
        .contains("nereid_model_loads_total{model=\"slow\",outcome=\"success\"} 1\n");
  }
}
