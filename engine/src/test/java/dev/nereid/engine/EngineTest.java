package dev.nereid.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.backend.TestTensors;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.MemoryPool;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** The engine over repositories that each test writes. */
final class EngineTest extends EngineFixture {
  @Test
  void answersFromAModelAndCountsIt() {
    models.identity("id", 2, "dynamic_batching {}");
    Engine engine = open();
    assertThat(engine.isReady()).isTrue();
    var response = infer(engine, "id", -1, "INPUT0").response();
    assertThat(TestTensors.floatsOf(response.output("OUTPUT0"))).containsExactly(3, 4);
    assertThat(response.version()).isEqualTo(1);
    ModelStatistics counted = engine.statistics("id", -1).getFirst();
    assertThat(counted.inferenceCount()).isEqualTo(1);
    assertThat(counted.batches()).hasSize(1);
    assertThat(metrics.scrape())
        .contains("nv_inference_request_success{model=\"id\",version=\"1\"} 1\n")
        .contains(
            "nv_inference_request_failure{model=\"id\",version=\"1\",reason=\"REJECTED\"} 0\n");
  }

  @Test
  void oneBrokenModelStopsNoOtherAndTellsWhy() {
    models.identity("good", 2, "").model("bad", "backend: \"identity\"\nnonsense: 3\n");
    models.model("alien", "backend: \"tensorrt\" max_batch_size: 1");
    Engine engine = open();
    assertThat(engine.isReady()).as("strict readiness").isFalse();
    assertThat(engine.isReady("good", -1)).isTrue();
    infer(engine, "good", -1, "INPUT0").response();
    assertThat(engine.started().join().failures())
        .extracting(IndexEntry::model)
        .containsExactly("alien", "bad");
    assertThat(infer(engine, "bad", -1, "INPUT0").failure().message())
        .contains("'bad' has no available versions")
        .contains("nonsense");
    assertThat(infer(engine, "alien", -1, "INPUT0").failure().message())
        .contains("unable to find backend library for backend 'tensorrt'");
  }

  @Test
  void withoutStrictReadinessABrokenModelDoesNotCount() {
    models.identity("good", 2, "").model("bad", "nonsense: 3\n");
    EngineOptions strict = EngineOptions.of(root);
    Engine engine =
        open(
            new EngineOptions(
                strict.repositories(),
                "",
                true,
                false,
                2,
                Map.of(),
                EngineOptions.GpuUnavailable.REFUSE,
                1,
                MemoryPool.Limits.DEFAULT,
                EngineOptions.Shared.NOTHING,
                EngineOptions.Control.NONE));
    assertThat(engine.isReady()).isTrue();
  }

  @Test
  void ensemblesLoadAfterTheirStepsWhateverTheirNames() {
    models.chain("a_chain", "z_first", "y_second").chain("outer", "z_first", "z_first");
    models.identity("z_first", 2, "").identity("y_second", 2, "");
    Engine engine = open();
    assertThat(engine.started().join().failures()).isEmpty();
    var response = infer(engine, "a_chain", -1, "IN").response();
    assertThat(TestTensors.floatsOf(response.output("OUT"))).containsExactly(3, 4);
    assertThat(engine.statistics("a_chain", 1).getFirst().success().count()).isEqualTo(1);
    assertThat(engine.statistics("y_second", 1).getFirst().success().count()).isEqualTo(1);
  }

  @Test
  void ensemblesThatDoNotFitAreRefusedWithStepAndTensor() {
    models.identity("two", 2, "").identity("three", 3, "");
    models.chain("misfit", "two", "three").chain("orphan", "two", "gone");
    models.chain("hen", "egg", "two").chain("egg", "hen", "two");
    Engine engine = open();
    assertThat(reason(engine, "misfit")).contains("tensor 'between'").contains("[-1,3]");
    assertThat(reason(engine, "orphan")).contains("'gone'");
    assertThat(reason(engine, "hen") + reason(engine, "egg")).contains("circular dependency");
  }

  @Test
  void unknownModelsAndVersionsAreToldApart() {
    models.identity("id", 2, "");
    Engine engine = open();
    assertThat(infer(engine, "gone", -1, "INPUT0").failure())
        .isEqualTo(Fault.NOT_FOUND.with("Request for unknown model: 'gone' is not found"));
    assertThat(infer(engine, "id", 7, "INPUT0").failure().message())
        .contains("'id' version 7 is not found");
    assertThatThrownBy(() -> engine.isReady("gone", -1)).isInstanceOf(FaultException.class);
    assertThatThrownBy(() -> engine.statistics("gone", -1))
        .hasMessageContaining("requested model 'gone' is not available");
    assertThat(infer(engine, "id", -1, "WRONG").failure().fault())
        .isEqualTo(Fault.INVALID_ARGUMENT);
  }

  @Test
  void theHighestVersionOfThePolicyAnswers() throws Exception {
    models.identity("id", 2, "version_policy { all {} }");
    Files.createDirectories(root.resolve("id").resolve("3"));
    Engine engine = open();
    assertThat(engine.versions("id", -1)).containsExactly(1L, 3L);
    assertThat(infer(engine, "id", -1, "INPUT0").response().version()).isEqualTo(3);
    assertThat(infer(engine, "id", 1, "INPUT0").response().version()).isEqualTo(1);
  }

  @Test
  void aGpuThatIsNotThereIsRefusedOrReplaced() {
    models.identity("gpu", 2, "instance_group { kind: KIND_GPU count: 1 }");
    assertThat(reason(open(), "gpu")).contains("KIND_GPU").contains("--gpu-unavailable=cpu");
    EngineOptions strict = EngineOptions.of(root);
    Engine moved =
        open(
            new EngineOptions(
                strict.repositories(),
                "",
                true,
                true,
                2,
                Map.of(),
                EngineOptions.GpuUnavailable.CPU,
                1,
                MemoryPool.Limits.DEFAULT,
                EngineOptions.Shared.NOTHING,
                EngineOptions.Control.NONE));
    infer(moved, "gpu", -1, "INPUT0").response();
  }

  @Test
  void labelsAreReadAndAnEnsembleHasItsSteps() throws Exception {
    models.chain("chain", "id", "labelled").identity("id", 2, "");
    models.model(
        "labelled",
        """
        backend: "identity"
        max_batch_size: 8
        input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
        output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 2 ] label_filename: "labels.txt" }
        """);
    Files.writeString(root.resolve("labelled").resolve("labels.txt"), "cat\ndog\n");
    Engine engine = open();
    assertThat(engine.labels("labelled", -1, "OUTPUT0")).containsExactly("cat", "dog");
    assertThat(engine.labels("chain", -1, "OUT")).containsExactly("cat", "dog");
  }

  @Test
  void afterDrainingNothingIsTaken() {
    models.identity("id", 2, "");
    Engine engine = open();
    assertThat(engine.drain(Duration.ofSeconds(5))).isTrue();
    assertThat(engine.isLive()).isFalse();
    assertThat(engine.isReady()).isFalse();
    assertThat(infer(engine, "id", -1, "INPUT0").failure().message())
        .contains("Server is stopping");
  }

  @Test
  void anEmptyRepositoryIsReady() {
    assertThat(open().isReady()).isTrue();
  }

  @Test
  void aRepositoryThatIsNotThereIsToldAtOnce() {
    assertThatThrownBy(() -> Engine.open(EngineOptions.of(root.resolve("gone")), metrics))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("gone");
  }
}
