package dev.nereid.backend.onnx;

import static dev.nereid.backend.TestTensors.blobsOf;
import static dev.nereid.backend.TestTensors.floatsOf;
import static dev.nereid.backend.TestTensors.longsOf;
import static dev.nereid.backend.TestTensors.rawOf;
import static dev.nereid.backend.TestTensors.textsOf;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Instance;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class OnnxTypesTest extends OnnxFixture {
  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "BYTES")
  void everyTypeGoesThroughBitForBit(DataType type) {
    byte[] bytes = new byte[6 * type.byteSize()];
    new Random(42).nextBytes(bytes);
    if (type == DataType.BOOL) {
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] &= 1;
      }
    }
    Instance known = instance(TinyOnnx.identity(type, 2, 3), named("known"));
    Tensor output =
        run(known, tensors.raw("INPUT0", type, Shape.of(2, 3), bytes)).response().output("OUTPUT0");
    assertThat(output.type()).isEqualTo(type);
    assertThat(output.shape()).isEqualTo(Shape.of(2, 3));
    assertThat(rawOf(output)).isEqualTo(bytes);
  }

  @ParameterizedTest
  @EnumSource(mode = EnumSource.Mode.EXCLUDE, names = "BYTES")
  void everyTypeGoesThroughWhenTheShapeIsKnownOnlyAfterTheRun(DataType type) {
    byte[] bytes = new byte[5 * type.byteSize()];
    Instance free = instance(TinyOnnx.identity(type, 1, "n"), named("free"));
    Tensor output =
        run(free, tensors.raw("INPUT0", type, Shape.of(1, 5), bytes)).response().output("OUTPUT0");
    assertThat(output.type()).isEqualTo(type);
    assertThat(output.shape()).isEqualTo(Shape.of(1, 5));
    assertThat(rawOf(output)).isEqualTo(bytes);
  }

  @Test
  void bytesNeedNotBeText() {
    Instance instance = instance(TinyOnnx.identity(DataType.BYTES, "n"), named("bytes"));
    byte[][] blobs = {{}, {0}, {(byte) 0xff, (byte) 0xfe, 0, 1}, new byte[70_000]};
    Tensor output =
        run(instance, true, tensors.blobs("INPUT0", Shape.of(4), blobs))
            .response()
            .output("OUTPUT0");
    assertThat(blobsOf(output)).containsExactly(blobs);
  }

  @Test
  void noBytesAtAllGoThrough() {
    Instance instance = instance(TinyOnnx.identity(DataType.BYTES, 2, "n"), named("bytes"));
    Tensor output =
        run(instance, tensors.blobs("INPUT0", Shape.of(2, 0))).response().output("OUTPUT0");
    assertThat(output.shape()).isEqualTo(Shape.of(2, 0));
    assertThat(blobsOf(output)).isEmpty();
  }

  @Test
  void bytesThatAreCutOffAreRefused() {
    Instance instance = instance(TinyOnnx.identity(DataType.BYTES, 2), named("bytes"));
    Tensor cut = tensors.raw("INPUT0", DataType.BYTES, Shape.of(2), new byte[] {9, 0, 0, 0, 1});
    assertThat(run(instance, cut).failure().message())
        .isEqualTo(
            "input 'INPUT0': element 0 of 2 is cut off (expected: 4 bytes of length and as many"
                + " bytes)");
  }

  @Test
  void aGraphMayTurnTextIntoNumbersAndBack() {
    TinyOnnx onnx =
        new TinyOnnx()
            .input("text", DataType.BYTES, 2)
            .output("number", DataType.INT64, 2)
            .output("again", DataType.BYTES, 2)
            .node("Cast", List.of("text"), "number", "to", ElementTypes.numberOf(DataType.INT64))
            .node("Cast", List.of("number"), "again", "to", ElementTypes.numberOf(DataType.BYTES));
    Instance instance = instance(onnx, named("cast"));
    var response = run(instance, tensors.texts("text", Shape.of(2), "42", "-7")).response();
    assertThat(longsOf(response.output("number"))).containsExactly(42, -7);
    assertThat(textsOf(response.output("again"))).containsExactly("42", "-7");
  }

  @Test
  void aFailureInTheGraphIsTheCallersToReadAndTheNextRequestRuns() {
    TinyOnnx onnx =
        new TinyOnnx()
            .input("text", DataType.BYTES, 1)
            .output("number", DataType.INT64, 1)
            .node("Cast", List.of("text"), "number", "to", ElementTypes.numberOf(DataType.INT64));
    Instance instance = instance(onnx, named("cast"));
    assertThat(run(instance, tensors.texts("text", Shape.of(1), "seven")).failure().message())
        .startsWith("onnx runtime error ");
    var response = run(instance, tensors.texts("text", Shape.of(1), "7")).response();
    assertThat(longsOf(response.output("number"))).containsExactly(7);
  }

  @Test
  void severalInputsAndOutputsKeepTheirNames() {
    TinyOnnx onnx =
        new TinyOnnx()
            .input("a", DataType.FP32, "n", 1)
            .input("b", DataType.FP32, "n", 1)
            .output("sum", DataType.FP32, "n", 1)
            .output("difference", DataType.FP32, "n", 1)
            .node("Add", List.of("a", "b"), List.of("sum"))
            .node("Sub", List.of("a", "b"), List.of("difference"));
    Instance instance = instance(onnx, named("addsub"));
    var response =
        run(
                instance,
                true,
                tensors.floats("b", Shape.of(2, 1), 1, 2),
                tensors.floats("a", Shape.of(2, 1), 10, 20))
            .response();
    assertThat(floatsOf(response.output("sum"))).containsExactly(11, 22);
    assertThat(floatsOf(response.output("difference"))).containsExactly(9, 18);
  }
}
