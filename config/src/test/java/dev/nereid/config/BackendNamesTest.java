package dev.nereid.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.proto.ModelConfig;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class BackendNamesTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "platform: 'onnxruntime_onnx'|m||onnxruntime_onnx onnxruntime",
        "platform: 'tensorrt_plan'|m||tensorrt_plan tensorrt",
        "platform: 'dali'|m||dali dali",
        "backend: 'onnxruntime'|m||onnxruntime_onnx onnxruntime",
        "backend: 'python'|m|model.py| python",
        "backend: 'python'|m|model.onnx| python",
        "backend: 'pytorch'|m|model.pt2|torch_aoti pytorch",
        "backend: 'tensorflow'|m|| tensorflow",
        "|m|model.onnx|onnxruntime_onnx onnxruntime",
        "|m|model.savedmodel|tensorflow_savedmodel tensorflow",
        "default_model_filename: 'net.onnx'|m||onnxruntime_onnx onnxruntime",
        "|m.identity|| identity",
        "platform: 'ensemble'|m||ensemble ",
        "ensemble_scheduling { }|m||ensemble ",
      })
  void oneTellsTheOther(String text, String directory, String file, String expected) {
    ModelConfig config =
        BackendNames.complete(
            ConfigText.parse(text == null ? "" : text, "x"),
            directory,
            file == null ? List.of() : List.of(file));
    assertThat(config.getName()).isEqualTo(directory);
    assertThat(config.getPlatform() + " " + config.getBackend())
        .isEqualTo(
            expected.startsWith("ensemble")
                ? "ensemble "
                : (expected.contains(" ") ? "" : " ") + expected);
  }

  @Test
  void aNameThatIsNotTheDirectorysIsRefused() {
    assertThatThrownBy(
            () -> BackendNames.complete(ConfigText.parse("name: 'n'", "x"), "d", List.of()))
        .hasMessage(
            "unexpected directory name 'd' for model 'n', directory name must equal model name");
  }

  @Test
  void aModelThatNothingTellsOfIsRefused() {
    assertThatThrownBy(
            () -> BackendNames.complete(ConfigText.parse("", "x"), "d", List.of("weights.bin")))
        .hasMessageStartingWith("must specify 'platform' or 'backend' for 'd'")
        .hasMessageContaining("which has [weights.bin]");
  }
}
