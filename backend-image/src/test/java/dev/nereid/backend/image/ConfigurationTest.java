package dev.nereid.backend.image;

import static dev.nereid.backend.image.Models.parameter;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.Model;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.FaultException;
import dev.nereid.core.MemoryPool;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ConfigurationTest {
  private static final String IMAGE =
      "input { name: \"image\" data_type: TYPE_STRING dims: [1] }\n";
  private static final String PIXELS =
      "output { name: \"images\" data_type: TYPE_FP32 dims: [3, 64, 64] }\n";

  private final ImageProvider provider = new ImageProvider();
  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);

  private void assertRefused(String config, String... parts) {
    assertThatExceptionOfType(FaultException.class)
        .isThrownBy(() -> Models.open(provider, config, pool).close())
        .satisfies(e -> assertThat(e.getMessage()).contains(parts));
  }

  @Test
  void isFoundByItsName() {
    assertThat(ServiceLoader.load(BackendProvider.class))
        .extracting(BackendProvider::name)
        .contains("image");
  }

  @Test
  void aStepWithoutTensorsGetsTheUsualOnes() {
    ModelConfig detect = Models.config(provider, parameter("step", "preprocess"));
    assertThat(detect.getInput(0).getDataType()).isEqualTo(DataType.TYPE_STRING);
    assertThat(detect.getOutputList()).hasSize(2);
    assertThat(detect.getOutput(0).getDimsList()).isEqualTo(List.of(3L, 640L, 640L));
    assertThat(detect.getOutput(1).getDimsList()).isEqualTo(List.of(8L));
    ModelConfig classify =
        Models.config(
            provider, parameter("step", "preprocess") + parameter("resize", "center_crop"));
    assertThat(classify.getOutputList()).hasSize(1);
    assertThat(classify.getOutput(0).getDimsList()).isEqualTo(List.of(3L, 224L, 224L));
    ModelConfig yolo = Models.config(provider, parameter("step", "yolo_postprocess"));
    assertThat(yolo.getOutputList())
        .extracting(output -> output.getName())
        .containsExactly("num_dets", "det_boxes", "det_scores", "det_classes");
    assertThat(yolo.getOutput(1).getDimsList()).isEqualTo(List.of(300L, 4L));
    for (ModelConfig config : List.of(detect, classify, yolo)) {
      Model model =
          provider.open(
              new dev.nereid.backend.ModelContext(
                  config,
                  1,
                  new dev.nereid.backend.ModelFiles(
                      java.nio.file.Path.of("m"), java.nio.file.Path.of("m/1")),
                  java.util.Map.of(),
                  pool,
                  1));
      model.close();
    }
  }

  @Test
  void whatTheUserWroteStays() {
    ModelConfig config = Models.config(provider, parameter("step", "preprocess") + IMAGE + PIXELS);
    assertThat(config.getOutputList()).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource({
    "resize, fit, 'one of letterbox, center_crop, stretch'",
    "scaleup, yes, true or false",
    "fill, 300, 'a whole number, 0 to 255'",
    "mean, '0.1,0.2', one number or 3",
    "std, 0, three numbers above 0",
    "scale, 1/0, numbers such as 0.5 or 1/255",
    "color, grey, 'one of rgb, bgr'",
    "layout, nhwc, '[3,height,width] or [height,width,3]'",
    "max_pixels, -1, 'a whole number, 1 to'",
    "max_scans, 5000, 1 to 999",
    "score_threshold, 0.5, a parameter of this step",
  })
  void aParameterThatMakesNoSenseIsNamedWithWhatWasExpected(
      String key, String value, String expected) {
    assertRefused(
        parameter("step", "preprocess") + IMAGE + PIXELS + parameter(key, value),
        "model 'step', backend image: ",
        expected);
  }

  @Test
  void aStepMustBeNamed() {
    assertRefused(
        "",
        "parameters 'step': none (expected: one of preprocess, yolo_postprocess,"
            + " classify_postprocess, l2_normalize)");
    assertRefused(parameter("step", "resize"), "parameters 'step': 'resize'");
  }

  @Test
  void tensorsThatTheStepCannotServeAreNamed() {
    String step = parameter("step", "preprocess");
    assertRefused(
        step + "input { name: \"x\" data_type: TYPE_FP32 dims: [1] }" + PIXELS,
        "input 'x': TYPE_FP32 [1] (expected: TYPE_STRING [1]");
    assertRefused(
        step + IMAGE + "output { name: \"y\" data_type: TYPE_FP32 dims: [1, 64, 64] }",
        "output 'y': dims [1,64,64]");
    assertRefused(
        step + IMAGE + "output { name: \"y\" data_type: TYPE_INT8 dims: [3, 64, 64] }",
        "type: TYPE_INT8 (expected: TYPE_FP32, TYPE_FP16 or TYPE_UINT8)");
    assertRefused(
        step + IMAGE + PIXELS + "output { name: \"letterbox\" data_type: TYPE_FP32 dims: [7] }",
        "output 'letterbox': TYPE_FP32 [7]",
        "TYPE_FP32 [8]");
    assertRefused(
        parameter("step", "yolo_postprocess")
            + "output { name: \"det_boxes\" data_type: TYPE_FP32 dims: [10, 4] }"
            + "output { name: \"det_scores\" data_type: TYPE_FP32 dims: [20] }",
        "output 'det_scores': TYPE_FP32 [20]");
    assertRefused(
        parameter("step", "yolo_postprocess") + parameter("iou_threshold", "7"),
        "parameters 'iou_threshold': '7' (expected: 0 to 1)");
  }
}
