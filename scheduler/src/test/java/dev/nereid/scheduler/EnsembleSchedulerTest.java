package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Ensembles over real schedulers of gated models. */
final class EnsembleSchedulerTest {
  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final Map<String, BatchingScheduler> schedulers = new HashMap<>();
  private final List<RecordingReply> replies = new ArrayList<>();
  private final ExecutionStatistics statistics = new ExecutionStatistics("e", 1);

  @AfterEach
  void everythingIsGivenBack() {
    schedulers.values().forEach(BatchingScheduler::close);
    replies.forEach(RecordingReply::close);
    assertThat(pool.openLeases()).as("leases still open").isZero();
    pool.close();
  }

  private GatedModel model(String name, int permits) {
    GatedModel model = new GatedModel(permits);
    ModelConfig config = Policies.model(8, 2, b -> b).toBuilder().setName(name).build();
    schedulers.put(
        name,
        BatchingScheduler.start(
            new SchedulerSetup(
                config,
                1,
                model,
                List.of(new Placement("g", 0, -1)),
                pool,
                Ticker.system(),
                new ExecutionStatistics(name, 1))));
    return model;
  }

  private EnsembleScheduler ensemble(String steps, String... outputs) {
    StringBuilder text =
        new StringBuilder("name: \"e\" platform: \"ensemble\" max_batch_size: 8\n");
    text.append("input { name: \"IN\" data_type: TYPE_FP32 dims: 2 }\n");
    for (String output : outputs) {
      text.append("output { name: \"" + output + "\" data_type: TYPE_FP32 dims: 2 }\n");
    }
    text.append("ensemble_scheduling {\n").append(steps).append("}\n");
    return new EnsembleScheduler(
        ConfigText.parse(text.toString(), "test"),
        1,
        (name, _) -> {
          BatchingScheduler scheduler = schedulers.get(name);
          if (scheduler == null) {
            throw FaultException.of(Fault.NOT_FOUND, "no model " + name);
          }
          return scheduler::submit;
        },
        Ticker.system(),
        statistics);
  }

  private static String step(String model, String from, String to) {
    return """
    step {
      model_name: "%s"
      input_map { key: "INPUT0" value: "%s" }
      output_map { key: "OUTPUT0" value: "%s" }
    }
    """
        .formatted(model, from, to);
  }

  private InferRequest request(String... outputs) {
    Tensor input = new TestTensors(pool).floats("IN", Shape.of(1, 2), 1, 2);
    var reply = new RecordingReply();
    replies.add(reply);
    var call =
        new InferRequest.Call(
            "e",
            -1,
            "id",
            Map.of(),
            Arrays.stream(outputs).map(o -> new RequestedOutput(o, 0)).toList(),
            0,
            0,
            0,
            Long.MAX_VALUE);
    return new InferRequest(call, List.of(input), List.of(input.lease()), reply);
  }

  @Test
  void stepsFollowTheDataAndSideBranchesRunAtOnce() throws InterruptedException {
    model("a", 100);
    GatedModel b = model("b", 0);
    GatedModel c = model("c", 0);
    model("d", 100);
    var ensemble =
        ensemble(
            step("a", "IN", "x")
                + step("b", "x", "y")
                + step("c", "x", "Z")
                + step("d", "y", "OUT"),
            "OUT",
            "Z");
    ensemble.submit(List.of(request()));
    b.begun.acquire();
    c.begun.acquire(); // both wait at their gates: they run side by side
    b.gate.release();
    c.gate.release();
    var response = replies.getFirst().response();
    assertThat(response.outputs()).extracting(Tensor::name).containsExactly("OUT", "Z");
    assertThat(TestTensors.floatsOf(response.output("OUT"))).containsExactly(1, 2);
    assertThat(statistics.snapshot().success().count()).isEqualTo(1);
  }

  @Test
  void stepsBatchOnTheirOwnAcrossRequests() throws InterruptedException {
    GatedModel a = model("a", 0);
    GatedModel b = model("b", 0);
    var ensemble = ensemble(step("a", "IN", "x") + step("b", "x", "OUT"), "OUT");
    ensemble.submit(List.of(request()));
    a.begun.acquire();
    ensemble.submit(IntStream.range(0, 6).mapToObj(_ -> request()).toList());
    a.gate.release(2);
    b.begun.acquire();
    b.gate.release(10);
    replies.forEach(RecordingReply::response);
    assertThat(a.sizes).containsExactly(1, 6);
    assertThat(b.sizes.stream().mapToInt(Integer::intValue).sum()).isEqualTo(7);
    assertThat(b.sizes.getLast()).as("neighbours of one batch stay together").isGreaterThan(1);
  }

  @Test
  void aFailingStepEndsTheRequestWithTheEnsemblesName() throws InterruptedException {
    GatedModel a = model("a", 10);
    a.failing = true;
    GatedModel b = model("b", 10);
    var ensemble = ensemble(step("a", "IN", "x") + step("b", "x", "OUT"), "OUT");
    ensemble.submit(List.of(request()));
    assertThat(replies.getFirst().failure().message()).startsWith("in ensemble 'e', ");
    assertThat(b.sizes).isEmpty();
    assertThat(ensemble.drain(Duration.ofSeconds(20))).isTrue();
  }

  @Test
  void aMissingModelIsAFailureAndNoHang() {
    var ensemble = ensemble(step("gone", "IN", "OUT"), "OUT");
    ensemble.submit(List.of(request()));
    assertThat(replies.getFirst().failure().fault()).isEqualTo(Fault.NOT_FOUND);
  }

  @Test
  void cancellationStopsBetweenSteps() throws InterruptedException {
    GatedModel a = model("a", 0);
    GatedModel b = model("b", 10);
    var ensemble = ensemble(step("a", "IN", "x") + step("b", "x", "OUT"), "OUT");
    InferRequest request = request();
    ensemble.submit(List.of(request));
    a.begun.acquire();
    request.cancel();
    a.gate.release();
    assertThat(replies.getFirst().failure().fault()).isEqualTo(Fault.CANCELLED);
    assertThat(b.sizes).isEmpty();
  }

  @Test
  void stepsThatLeadToNoRequestedOutputAreSkipped() {
    model("a", 10);
    GatedModel b = model("b", 10);
    var ensemble = ensemble(step("a", "IN", "OUT") + step("b", "IN", "Z"), "OUT", "Z");
    ensemble.submit(List.of(request("OUT")));
    assertThat(replies.getFirst().response().outputs()).hasSize(1);
    assertThat(b.sizes).isEmpty();
  }
}
