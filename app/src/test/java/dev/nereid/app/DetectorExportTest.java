package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.backend.onnx.OnnxFile;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class DetectorExportTest {
  private static final Map<String, String> PETS =
      Map.of("task", "detect", "names", "{0: 'cat', 1: \"dog's friend\"}", "imgsz", "[320, 416]");

  private static OnnxFile file(Shape in, Shape out, Map<String, String> metadata) {
    return new OnnxFile(
        "pytorch",
        List.of(new OnnxFile.Value("images", DataType.FP32, in, List.of())),
        List.of(new OnnxFile.Value("output0", DataType.FP32, out, List.of())),
        metadata);
  }

  @Test
  void aFixedExportIsRecognised() {
    var file = file(Shape.of(1, 3, 320, 416), Shape.of(1, 6, 2730), PETS);
    assertThat(DetectorExport.in(file))
        .contains(
            new DetectorExport(
                "images",
                "output0",
                DataType.FP32,
                false,
                320,
                416,
                2730,
                List.of("cat", "dog's friend")));
  }

  @Test
  void whatAFreeExportLeavesOpenComesFromItsMetadata() {
    var file = file(Shape.of(-1, -1, -1, -1), Shape.of(-1, -1, -1), PETS);
    assertThat(DetectorExport.in(file))
        .contains(
            new DetectorExport(
                "images",
                "output0",
                DataType.FP32,
                true,
                320,
                416,
                -1,
                List.of("cat", "dog's friend")));
  }

  @Test
  void otherModelsAreLeftAlone() {
    assertThat(DetectorExport.in(file(Shape.of(1, 3, 224, 224), Shape.of(1, 10), Map.of())))
        .isEmpty();
    assertThat(DetectorExport.in(file(Shape.of(1, 3, 64, 64), Shape.of(1, 300, 6), PETS)))
        .isEmpty();
    var masks = Map.of("task", "segment", "names", "{0: 'cat'}");
    assertThat(DetectorExport.in(file(Shape.of(1, 3, 64, 64), Shape.of(1, 37, 84), masks)))
        .isEmpty();
  }

  @Test
  void aBatchFixedToMoreThanOneIsRefusedWithARemedy() {
    var file = file(Shape.of(4, 3, 320, 416), Shape.of(4, 6, 2730), PETS);
    assertThatThrownBy(() -> DetectorExport.in(file))
        .isInstanceOf(Mishap.class)
        .hasMessageContaining("fixed to 4 (expected: an export with batch=1 or dynamic=True)");
  }

  @Test
  void namesThatAreNoDictionaryAreRefused() {
    var file = file(Shape.of(1, 3, 64, 64), Shape.of(1, 6, 84), Map.of("names", "cat, dog"));
    assertThatThrownBy(() -> DetectorExport.in(file))
        .hasMessage("metadata 'names': 'cat, dog', position 0 (expected: '{')");
  }
}
