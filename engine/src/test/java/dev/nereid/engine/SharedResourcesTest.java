package dev.nereid.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.scheduler.RateLimiter.Resource;
import dev.nereid.telemetry.Metrics;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Declared resources, instance groups and optional inputs, from the configuration to the answer.
 */
final class SharedResourcesTest {
  private static final String LIMITED =
      "instance_group { count: 2 rate_limiter { resources { name: \"R\" count: %d } } }";

  @TempDir Path root;
  private ModelFolder models;
  private final Metrics metrics = new Metrics();

  @BeforeEach
  void aRepository() {
    models = new ModelFolder(root);
  }

  private interface Check {
    void on(Engine engine) throws Exception;
  }

  private void engine(EngineOptions.Shared shared, Check check) throws Exception {
    EngineOptions usual = EngineOptions.of(root);
    EngineOptions options =
        new EngineOptions(
            usual.repositories(),
            "",
            true,
            true,
            2,
            Map.of(),
            EngineOptions.GpuUnavailable.REFUSE,
            2,
            MemoryPool.Limits.DEFAULT,
            shared,
            EngineOptions.Control.NONE);
    MemoryPool pool;
    try (Engine engine = Engine.open(options, metrics)) {
      pool = engine.memory();
      engine.started().orTimeout(20, TimeUnit.SECONDS).join();
      check.on(engine);
    }
    assertThat(pool.openLeases()).isZero();
  }

  private static void answers(Engine engine, String model, String input) {
    Tensor tensor = new TestTensors(engine.memory()).floats(input, Shape.of(1, 2), 3, 4);
    try (var reply = new RecordingReply()) {
      var call = InferRequest.Call.of(model, 0);
      engine.infer(TestTensors.request(call, reply, tensor));
      assertThat(TestTensors.floatsOf(reply.response().outputs().getFirst())).containsExactly(3, 4);
    }
  }

  private static String reason(Engine engine, String model) {
    return engine.index().stream()
        .filter(entry -> entry.model().equals(model))
        .findFirst()
        .orElseThrow()
        .reason();
  }

  @Test
  void aModelThatNeedsMoreThanThereIsIsNotLoaded() throws Exception {
    models.identity("modest", 2, LIMITED.formatted(2));
    models.identity("greedy", 2, LIMITED.formatted(3));
    var shared = new EngineOptions.Shared(0, true, List.of(new Resource("R", 2, null)), List.of());
    engine(
        shared,
        engine -> {
          answers(engine, "modest", "INPUT0");
          assertThat(reason(engine, "greedy"))
              .contains("Resource count for \"R\" is limited to 2")
              .contains("--rate-limit-resource=R:3");
          assertThat(metrics.scrape())
              .contains("nereid_resource_size{resource=\"R\",device=\"-1\"} 2\n");
        });
  }

  @Test
  void withoutARateLimitResourcesAreOfNoConcern() throws Exception {
    models.identity("greedy", 2, LIMITED.formatted(3));
    var shared = new EngineOptions.Shared(0, false, List.of(new Resource("R", 2, null)), List.of());
    engine(shared, engine -> answers(engine, "greedy", "INPUT0"));
  }

  @Test
  void instanceGroupsAreServedOrRefusedWithAReason() throws Exception {
    models.identity(
        "two", 2, "instance_group [ { count: 2 }, { count: 1 passive: true }, { count: 1 } ]");
    models.identity("policy", 2, "instance_group { count: 1 host_policy: \"socket_1\" }");
    models.identity("own", 2, "instance_group { kind: KIND_MODEL }");
    models.identity(
        "dla", 2, "instance_group { secondary_devices { kind: KIND_NVDLA device_id: 0 } }");
    engine(
        EngineOptions.Shared.NOTHING,
        engine -> {
          answers(engine, "two", "INPUT0");
          answers(engine, "policy", "INPUT0");
          answers(engine, "own", "INPUT0");
          assertThat(
                  engine.index().stream()
                      .filter(entry -> entry.model().equals("two"))
                      .map(IndexEntry::summary))
              .containsExactly("3 instances");
          assertThat(reason(engine, "dla")).contains("secondary_devices").contains("DLA");
        });
  }

  @Test
  void anOptionalInputThatAStepNeedsIsMissedByName() throws Exception {
    models.identity("id", 2, "");
    models.model(
        "chain",
        """
        platform: "ensemble"
        max_batch_size: 8
        input { name: "IN" data_type: TYPE_FP32 dims: [ 2 ] optional: true }
        output { name: "OUT" data_type: TYPE_FP32 dims: [ 2 ] }
        ensemble_scheduling {
          step {
            model_name: "id"
            input_map { key: "INPUT0" value: "IN" }
            output_map { key: "OUTPUT0" value: "OUT" }
          }
        }
        """);
    engine(
        EngineOptions.Shared.NOTHING,
        engine -> {
          answers(engine, "chain", "IN");
          try (var reply = new RecordingReply()) {
            engine.infer(TestTensors.request(InferRequest.Call.of("chain", 0), reply));
            assertThat(reply.failure().fault()).isEqualTo(Fault.INVALID_ARGUMENT);
            assertThat(reply.failure().message())
                .startsWith("in ensemble 'chain', ")
                .contains("missing required input(s) ['INPUT0']");
          }
        });
  }
}
