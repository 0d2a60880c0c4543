package dev.nereid.backend.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.backend.onnx.OnnxFile.Value;
import dev.nereid.core.DataType;
import dev.nereid.core.FaultException;
import dev.nereid.core.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class OnnxFileTest {
  @TempDir private Path directory;

  private OnnxFile read(TinyOnnx onnx) {
    return OnnxFile.read(onnx.writeTo(directory).resolve("1/model.onnx"));
  }

  @Test
  void tellsNamesTypesShapesAndMetadata() {
    OnnxFile file =
        read(
            new TinyOnnx()
                .producer("pytorch")
                .metadata("names", "{0: 'person', 1: 'bicycle'}")
                .metadata("task", "detect")
                .input("images", DataType.FP32, "batch", 3, 640, 640)
                .output("output0", DataType.FP16, "batch", 84, "anchors")
                .node("Identity", List.of("images"), List.of("output0")));
    assertThat(file.producer()).isEqualTo("pytorch");
    assertThat(file.metadata())
        .containsEntry("names", "{0: 'person', 1: 'bicycle'}")
        .containsEntry("task", "detect");
    assertThat(file.inputs())
        .containsExactly(
            new Value(
                "images", DataType.FP32, Shape.of(-1, 3, 640, 640), List.of("batch", "", "", "")));
    assertThat(file.outputs())
        .containsExactly(
            new Value(
                "output0", DataType.FP16, Shape.of(-1, 84, -1), List.of("batch", "", "anchors")));
    assertThat(file.isBatchable()).isTrue();
    assertThat(file.inputs().getFirst()).hasToString("images FP32 [-1,3,640,640]");
  }

  @Test
  void weightsThatAreListedAsInputsAreLeftOut() {
    OnnxFile file =
        read(
            new TinyOnnx()
                .input("x", DataType.FP32, 1, 2)
                .input("weights", DataType.FP32, 2, 1)
                .output("y", DataType.FP32, 1, 1)
                .floats("weights", new long[] {2, 1}, 1, 2)
                .node("MatMul", List.of("x", "weights"), List.of("y")));
    assertThat(file.inputs()).extracting(Value::name).containsExactly("x");
    assertThat(file.isBatchable()).isFalse();
  }

  @Test
  void aDirectoryStandsForTheModelInIt() {
    TinyOnnx.identity(DataType.INT64, 2).writeTo(directory);
    assertThat(OnnxFile.read(directory.resolve("1")).inputs())
        .extracting(Value::type)
        .containsExactly(DataType.INT64);
  }

  @Test
  void everyTruncationIsRefusedAndNoneIsACrash() throws IOException {
    byte[] whole = TinyOnnx.identity(DataType.FP32, "batch", 4).bytes();
    Path file = directory.resolve("cut.onnx");
    int graphStart = 20;
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      if (length < graphStart) {
        assertThatThrownBy(() -> OnnxFile.read(file)).isInstanceOf(FaultException.class);
      } else {
        readOrRefuse(file);
      }
    }
  }

  private static void readOrRefuse(Path file) {
    try {
      assertThat(OnnxFile.read(file).outputs()).isNotNull();
    } catch (FaultException e) {
      assertThat(e).hasMessageContaining("file '");
    }
  }

  @Test
  void aTypeThatNoProtocolCarriesIsTold() {
    Value complex = new Value("z", null, null, List.of());
    assertThat(complex).hasToString("z ? [?]");
    assertThat(complex.hasFreeOuterDimension()).isFalse();
    assertThat(ElementTypes.ofNumber(14)).isNull();
    for (DataType type : DataType.values()) {
      assertThat(ElementTypes.ofNumber(ElementTypes.numberOf(type))).isEqualTo(type);
    }
  }
}
