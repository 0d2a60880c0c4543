package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Inputs that a request may leave out: in batches, ragged, and on their way through ensembles. */
final class OptionalInputsTest {
  private static final String MODEL =
      """
      name: "m" max_batch_size: 8
      input { name: "A" data_type: TYPE_FP32 dims: 2 }
      input { name: "B" data_type: TYPE_FP32 dims: 2 optional: true }
      input { name: "C" data_type: TYPE_FP32 dims: -1 optional: true allow_ragged_batch: true }
      output { name: "OUT" data_type: TYPE_FP32 dims: 2 }
      dynamic_batching { }
      """;

  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final TestTensors tensors = new TestTensors(pool);
  private final List<RecordingReply> replies = new ArrayList<>();
  private final Semaphore gate = new Semaphore(0);
  private final Semaphore begun = new Semaphore(0);

  /** What each execution saw: its size, and which inputs were there, with their shapes joined. */
  private final List<String> seen = Collections.synchronizedList(new ArrayList<>());

  @AfterEach
  void everythingIsGivenBack() {
    replies.forEach(RecordingReply::close);
    assertThat(pool.openLeases()).isZero();
    pool.close();
  }

  /** Gives A back, and remembers what came. */
  private final class Remembering implements Model {
    @Override
    public Instance newInstance(Placement placement) {
      return this::execute;
    }

    private void execute(Batch batch) {
      begun.release();
      gate.acquireUninterruptibly();
      StringBuilder what = new StringBuilder().append(batch.size());
      InferRequest first = batch.requests().getFirst();
      if (first.input("B") != null) {
        what.append(" B").append(batch.gather("B").shape());
      }
      if (first.input("C") != null) {
        what.append(" C").append(batch.gatherRagged("C").shape());
      }
      seen.add(what.toString());
      for (int i = 0; i < batch.requests().size(); i++) {
        Lease share = batch.required(i, "A").lease().share();
        batch.respond(i, List.of(batch.required(i, "A").in(share).renamed("OUT")), List.of(share));
      }
    }

    @Override
    public void close() {}
  }

  private BatchingScheduler model() {
    return BatchingScheduler.start(
        new SchedulerSetup(
            ConfigText.parse(MODEL, "test"),
            1,
            new Remembering(),
            List.of(new Placement("g", 0, Placement.CPU)),
            pool,
            Ticker.system(),
            new ExecutionStatistics("m", 1)));
  }

  private Tensor tensor(String name, int width) {
    return tensors.floats(name, Shape.of(1, width), new float[width]);
  }

  private InferRequest request(Tensor... inputs) {
    var reply = new RecordingReply();
    replies.add(reply);
    return TestTensors.request(reply, inputs);
  }

  private void answered() {
    gate.release(1000);
    replies.forEach(RecordingReply::response);
  }

  @Test
  void onlyRequestsWithTheSameInputsShareABatch() throws InterruptedException {
    try (var model = model()) {
      model.submit(List.of(request(tensor("A", 2))));
      begun.acquire();
      model.submit(
          List.of(
              request(tensor("A", 2), tensor("B", 2)),
              request(tensor("B", 2), tensor("A", 2)),
              request(tensor("A", 2)),
              request(tensor("A", 2)),
              request(tensor("A", 2), tensor("B", 2))));
      answered();
      assertThat(seen).containsExactly("1", "2 B[2,2]", "2", "1 B[1,2]");
    }
  }

  @Test
  void raggedOnesNeedNotHaveOneShapeButBeThere() throws InterruptedException {
    try (var model = model()) {
      model.submit(List.of(request(tensor("A", 2))));
      begun.acquire();
      model.submit(
          List.of(
              request(tensor("A", 2), tensor("C", 3)),
              request(tensor("A", 2), tensor("C", 5)),
              request(tensor("A", 2)),
              request(tensor("A", 2), tensor("B", 2), tensor("C", 1)),
              request(tensor("A", 2), tensor("B", 2), tensor("C", 4))));
      answered();
      assertThat(seen).containsExactly("1", "2 C[8]", "1", "2 B[2,2] C[5]");
    }
  }

  private EnsembleScheduler ensemble(BatchingScheduler model, String step) {
    ModelConfig config =
        ConfigText.parse(
            """
            name: "e" platform: "ensemble" max_batch_size: 8
            input { name: "X" data_type: TYPE_FP32 dims: 2 }
            input { name: "Y" data_type: TYPE_FP32 dims: 2 optional: true }
            output { name: "Z" data_type: TYPE_FP32 dims: 2 }
            ensemble_scheduling { %s }
            """
                .formatted(step),
            "test");
    return new EnsembleScheduler(
        config, 1, (_, _) -> model::submit, Ticker.system(), new ExecutionStatistics("e", 1));
  }

  private static String step(String from, String to, String... optional) {
    StringBuilder text = new StringBuilder("step { model_name: \"m\" ");
    text.append("output_map { key: \"OUT\" value: \"" + to + "\" }");
    text.append("input_map { key: \"A\" value: \"" + from + "\" }");
    Arrays.stream(optional)
        .forEach(fed -> text.append("input_map { key: \"B\" value: \"" + fed + "\" }"));
    return text.append(" }").toString();
  }

  @Test
  void anEnsemblesOptionalInputReachesItsStepsWhenItIsThere() {
    gate.release(1000);
    try (var model = model();
        var ensemble = ensemble(model, step("X", "between", "Y") + step("between", "Z", "Y"))) {
      ensemble.submit(List.of(request(tensor("X", 2))));
      answered();
      ensemble.submit(List.of(request(tensor("X", 2), tensor("Y", 2))));
      answered();
      assertThat(seen).containsExactly("1", "1", "1 B[1,2]", "1 B[1,2]");
    }
  }

  @Test
  void aStepsOptionalInputMayBeFedByAnotherStepOrByNobody() {
    gate.release(1000);
    try (var model = model();
        var ensemble = ensemble(model, step("X", "between") + step("X", "Z", "between"))) {
      ensemble.submit(List.of(request(tensor("X", 2))));
      answered();
      assertThat(seen).containsExactly("1", "1 B[1,2]");
    }
  }
}
