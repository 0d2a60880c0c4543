package dev.nereid.backend.onnx;

import static dev.nereid.backend.TestTensors.floatsOf;
import static dev.nereid.backend.TestTensors.intsOf;
import static dev.nereid.backend.TestTensors.request;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestRunner;
import dev.nereid.config.proto.BatchInput;
import dev.nereid.config.proto.BatchOutput;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.config.proto.ModelTensorReshape;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class OnnxRaggedTest extends OnnxFixture {
  private static final dev.nereid.core.DataType FP32 = dev.nereid.core.DataType.FP32;
  private static final dev.nereid.core.DataType INT32 = dev.nereid.core.DataType.INT32;

  private static BatchInput spec(BatchInput.Kind kind) {
    return BatchInput.newBuilder()
        .setKind(kind)
        .addTargetName("where")
        .setDataType(DataType.TYPE_INT32)
        .addSourceInput("x")
        .build();
  }

  /** Doubles a flat input, and hands on what it is told of its parts. */
  private static ModelConfig.Builder config() {
    return named("ragged")
        .setMaxBatchSize(8)
        .addInput(
            ModelInput.newBuilder()
                .setName("x")
                .setDataType(DataType.TYPE_FP32)
                .addDims(-1)
                .setAllowRaggedBatch(true))
        .addOutput(
            ModelOutput.newBuilder().setName("y").setDataType(DataType.TYPE_FP32).addDims(-1))
        .addOutput(
            ModelOutput.newBuilder()
                .setName("parts")
                .setDataType(DataType.TYPE_INT32)
                .addDims(1)
                .setReshape(ModelTensorReshape.getDefaultInstance()))
        .addBatchInput(spec(BatchInput.Kind.BATCH_ELEMENT_COUNT))
        .addBatchOutput(
            BatchOutput.newBuilder()
                .setKind(BatchOutput.Kind.BATCH_SCATTER_WITH_INPUT_SHAPE)
                .addTargetName("y")
                .addSourceInput("x"));
  }

  private static TinyOnnx graph() {
    return new TinyOnnx()
        .input("x", FP32, "elements")
        .input("where", INT32, "requests")
        .output("y", FP32, "elements")
        .output("parts", INT32, "requests")
        .node("Add", List.of("x", "x"), List.of("y"))
        .node("Identity", List.of("where"), List.of("parts"));
  }

  @Test
  void requestsOfDifferentShapesShareABatchAndGetTheirOwnPart() {
    Instance instance = instance(graph(), config());
    try (var three = new RecordingReply();
        var one = new RecordingReply()) {
      new TestRunner(pool, true)
          .run(
              instance,
              request(three, tensors.floats("x", Shape.of(1, 3), 1, 2, 3)),
              request(one, tensors.floats("x", Shape.of(1, 1), 9)));
      Tensor first = three.response().output("y");
      assertThat(first.shape()).isEqualTo(Shape.of(1, 3));
      assertThat(floatsOf(first)).containsExactly(2, 4, 6);
      assertThat(intsOf(three.response().output("parts"))).containsExactly(3);
      assertThat(floatsOf(one.response().output("y"))).containsExactly(18);
      assertThat(intsOf(one.response().output("parts"))).containsExactly(1);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "BATCH_ELEMENT_COUNT, [2], '6,2'",
    "BATCH_ACCUMULATED_ELEMENT_COUNT, [2], '6,8'",
    "BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO, [3], '0,6,8'",
    "BATCH_MAX_ELEMENT_COUNT_AS_SHAPE, [6], ",
    "BATCH_ITEM_SHAPE, '[3,1]', '3,3,2'",
    "BATCH_ITEM_SHAPE_FLATTEN, [3], '3,3,2'"
  })
  void everyKindTellsWhereRequestsLie(BatchInput.Kind kind, String shape, String values) {
    InferRequest two =
        request(new RecordingReply(), tensors.floats("x", Shape.of(2, 3), 1, 2, 3, 4, 5, 6));
    InferRequest one = request(new RecordingReply(), tensors.floats("x", Shape.of(1, 2), 7, 8));
    Batch batch = new Batch(List.of(two, one), true, pool, Ticker.system());
    Tensor made = BatchInputs.make(spec(kind), "where", INT32, batch);
    assertThat(made.shape()).hasToString(shape);
    if (values != null) {
      int[] expected = List.of(values.split(",")).stream().mapToInt(Integer::parseInt).toArray();
      assertThat(intsOf(made)).containsExactly(expected);
    }
    made.lease().close();
    List.of(two, one).forEach(r -> r.fail(Fault.CANCELLED.with("done")));
  }
}
