package dev.nereid.backend.onnx;

import static dev.nereid.backend.TestTensors.floatsOf;
import static dev.nereid.backend.TestTensors.request;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Instance;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestRunner;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.config.proto.ModelTensorReshape;
import dev.nereid.core.InferRequest;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class OnnxShapesTest extends OnnxFixture {
  private static final dev.nereid.core.DataType FP32 = dev.nereid.core.DataType.FP32;

  @Test
  void freeDimensionsTakeAnySize() {
    Instance instance = instance(TinyOnnx.twice(FP32, "batch", "width"), named("free"));
    Tensor two =
        run(instance, true, tensors.floats("INPUT0", Shape.of(1, 2), 1, 2))
            .response()
            .output("OUTPUT0");
    assertThat(two.shape()).isEqualTo(Shape.of(1, 2));
    assertThat(floatsOf(two)).containsExactly(2, 4);
    Tensor three =
        run(instance, true, tensors.floats("INPUT0", Shape.of(2, 3), 1, 2, 3, 4, 5, 6))
            .response()
            .output("OUTPUT0");
    assertThat(three.shape()).isEqualTo(Shape.of(2, 3));
    assertThat(floatsOf(three)).containsExactly(2, 4, 6, 8, 10, 12);
  }

  @Test
  void scalarsPerRowComeAndGoUnderOneDimension() {
    Instance instance = instance(TinyOnnx.twice(FP32, "batch"), named("scalar"));
    try (var one = new RecordingReply();
        var two = new RecordingReply()) {
      new TestRunner(pool, true)
          .run(
              instance,
              request(one, tensors.floats("INPUT0", Shape.of(1, 1), 4)),
              request(two, tensors.floats("INPUT0", Shape.of(2, 1), 5, 6)));
      assertThat(one.response().output("OUTPUT0").shape()).isEqualTo(Shape.of(1, 1));
      assertThat(two.response().output("OUTPUT0").shape()).isEqualTo(Shape.of(2, 1));
      assertThat(floatsOf(two.response().output("OUTPUT0"))).containsExactly(10, 12);
    }
  }

  @Test
  void aScalarWithoutBatchComesAndGoesUnderOneDimension() {
    Instance instance = instance(TinyOnnx.twice(FP32), named("scalar"));
    Tensor output =
        run(instance, tensors.floats("INPUT0", Shape.of(1), 4)).response().output("OUTPUT0");
    assertThat(output.shape()).isEqualTo(Shape.of(1));
    assertThat(floatsOf(output)).containsExactly(8);
  }

  @Test
  void aReshapeIsWhatTheModelSees() {
    ModelTensorReshape square = ModelTensorReshape.newBuilder().addShape(2).addShape(2).build();
    ModelConfig.Builder declared =
        named("square")
            .setMaxBatchSize(4)
            .addInput(
                ModelInput.newBuilder()
                    .setName("INPUT0")
                    .setDataType(DataType.TYPE_FP32)
                    .addDims(4)
                    .setReshape(square))
            .addOutput(
                ModelOutput.newBuilder()
                    .setName("OUTPUT0")
                    .setDataType(DataType.TYPE_FP32)
                    .addDims(4)
                    .setReshape(square));
    Instance instance = instance(TinyOnnx.twice(FP32, "batch", 2, 2), declared);
    Tensor output =
        run(instance, true, tensors.floats("INPUT0", Shape.of(1, 4), 1, 2, 3, 4))
            .response()
            .output("OUTPUT0");
    assertThat(output.shape()).isEqualTo(Shape.of(1, 4));
    assertThat(floatsOf(output)).containsExactly(2, 4, 6, 8);
  }

  /** The graph says [batch,4] of an output that is [batch,2], as careless exporters write. */
  @Test
  void aWrongShapeInTheFileIsFoundOutAndNotHeldAgainstTheModel() {
    TinyOnnx onnx =
        new TinyOnnx()
            .input("INPUT0", FP32, "batch", "wide")
            .output("OUTPUT0", FP32, "batch", 4)
            .node("Add", List.of("INPUT0", "INPUT0"), List.of("OUTPUT0"));
    Instance instance = instance(onnx, named("liar"));
    for (int i = 0; i < 3; i++) {
      Tensor output =
          run(instance, true, tensors.floats("INPUT0", Shape.of(1, 2), i, 2))
              .response()
              .output("OUTPUT0");
      assertThat(output.shape()).isEqualTo(Shape.of(1, 2));
      assertThat(floatsOf(output)).containsExactly(2 * i, 4);
    }
  }

  @Test
  void anOutputThatDoesNotCoverTheBatchFailsTheBatch() {
    TinyOnnx onnx =
        new TinyOnnx()
            .input("x", FP32, "batch", 2)
            .output("y", FP32, "m", 2)
            .node("Concat", List.of("x", "x"), "y", "axis", 0);
    Instance instance = instance(onnx, named("doubled"));
    assertThat(
            run(instance, true, tensors.floats("x", Shape.of(3, 2), 1, 2, 3, 4, 5, 6))
                .failure()
                .message())
        .isEqualTo("output 'y': shape [6,2] (expected: first dimension 3, the size of the batch)");
  }

  @Test
  void onlyOutputsThatAreAskedForAreGiven() {
    TinyOnnx onnx =
        new TinyOnnx()
            .input("x", dev.nereid.core.DataType.BYTES, 1)
            .output("same", dev.nereid.core.DataType.BYTES, 1)
            .output("number", dev.nereid.core.DataType.INT64, 1)
            .node("Identity", List.of("x"), List.of("same"))
            .node(
                "Cast",
                List.of("x"),
                "number",
                "to",
                ElementTypes.numberOf(dev.nereid.core.DataType.INT64));
    Instance instance = instance(onnx, named("picky"));
    List<RequestedOutput> asked = List.of(new RequestedOutput("same", 0));
    var call = new InferRequest.Call("m", -1, "", Map.of(), asked, 0, 0, 0, Long.MAX_VALUE);
    try (var reply = new RecordingReply()) {
      Tensor number = tensors.texts("x", Shape.of(1), "7");
      new TestRunner(pool, false).run(instance, request(call, reply, number));
      assertThat(reply.response().outputs()).extracting(Tensor::name).containsExactly("same");
    }
  }

  @Test
  void aShapeTheGraphRefusesIsTheCallersToRead() {
    Instance instance = instance(TinyOnnx.twice(FP32, "batch", 4), named("four"));
    assertThat(
            run(instance, true, tensors.floats("INPUT0", Shape.of(1, 5), 1, 2, 3, 4, 5))
                .failure()
                .message())
        .contains("INPUT0")
        .contains("Got: 5 Expected: 4");
  }
}
