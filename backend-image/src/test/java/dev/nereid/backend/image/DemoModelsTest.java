package dev.nereid.backend.image;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import dev.nereid.backend.ModelFiles;
import dev.nereid.config.ConfigText;
import dev.nereid.config.ConfigValidator;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelEnsembling;
import dev.nereid.core.MemoryPool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The image models of the demo repository, as they lie in the tree. */
final class DemoModelsTest {
  private static final Path MODELS = Path.of("..", "models");

  private static ModelConfig config(String name) throws IOException {
    Path file = MODELS.resolve(name).resolve("config.pbtxt");
    return ConfigText.parse(Files.readString(file), file.toString());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "detect_preprocess",
        "detect_postprocess",
        "classify_preprocess",
        "classify_postprocess",
        "embed_preprocess"
      })
  void everyStepOpensAsItIs(String name) throws IOException {
    ModelConfig config = config(name);
    assertThat(ConfigValidator.problems(config)).isEmpty();
    ModelFiles files = new ModelFiles(MODELS.resolve(name), MODELS.resolve(name).resolve("1"));
    ImageProvider provider = new ImageProvider();
    assertThat(provider.complete(config, files)).isEqualTo(config);
    MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
    try (Model model = provider.open(new ModelContext(config, 1, files, Map.of(), pool, 2))) {
      assertThat(model.summary()).isNotNull();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"detect", "classify", "embed"})
  void everyEnsembleNamesModelsAndTensorsThatThereAre(String name) throws IOException {
    ModelConfig ensemble = config(name);
    assertThat(ConfigValidator.problems(ensemble)).isEmpty();
    for (ModelEnsembling.Step step : ensemble.getEnsembleScheduling().getStepList()) {
      if (Files.exists(MODELS.resolve(step.getModelName()))) {
        ModelConfig member = config(step.getModelName());
        assertThat(member.getInputList())
            .extracting(input -> input.getName())
            .containsExactlyInAnyOrderElementsOf(step.getInputMapMap().keySet());
        assertThat(member.getOutputList())
            .extracting(output -> output.getName())
            .containsAll(step.getOutputMapMap().keySet());
        assertThat(member.getMaxBatchSize()).isGreaterThanOrEqualTo(ensemble.getMaxBatchSize());
      }
    }
  }
}
