package dev.nereid.repository;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class FileCheckTest {
  private static final ModelConfig CONFIG =
      ConfigText.parse(
          """
          default_model_filename: 'model.onnx'
          output [ { name: 'y' label_filename: 'labels.txt' }, { name: 'z' } ]
          model_warmup { name: 'w' inputs { key: 'x' value { input_data_file: 'x.bin' } }
                         inputs { key: 'q' value { zero_data: true } } }
          sequence_batching { state { input_name: 's' initial_state { data_file: 's.bin' } } }
          """,
          "x");

  @TempDir Path root;

  @BeforeEach
  void aModelOfTwoVersions() throws IOException {
    for (String file :
        List.of(
            "1/model.onnx", "2/model.onnx", "labels.txt", "warmup/x.bin", "initial_state/s.bin")) {
      Path path = root.resolve("m").resolve(file);
      Files.createDirectories(requireNonNull(path.getParent()));
      Files.writeString(path, "");
    }
  }

  @Test
  void whatIsThereIsNoProblem() {
    assertThat(problems(CONFIG)).isEmpty();
  }

  @Test
  void whatIsMissingIsNamedWithWhatIsThere() throws IOException {
    Path model = root.resolve("m");
    Files.move(model.resolve("2/model.onnx"), model.resolve("2/net.onnx"));
    Files.delete(model.resolve("labels.txt"));
    Files.delete(model.resolve("warmup/x.bin"));
    Files.delete(model.resolve("initial_state/s.bin"));
    Files.delete(model.resolve("initial_state"));
    assertThat(problems(CONFIG))
        .containsExactly(
            "default_model_filename: %s does not exist; its directory holds [net.onnx]"
                .formatted(model.resolve("2/model.onnx")),
            "output 'y'.label_filename: %s does not exist; its directory holds [1, 2, warmup]"
                .formatted(model.resolve("labels.txt")),
            "model_warmup 'w'.inputs['x'].input_data_file: %s does not exist; its directory is empty"
                .formatted(model.resolve("warmup/x.bin")),
            "sequence_batching state 's'.initial_state.data_file: %s does not exist; there is no directory %s"
                .formatted(model.resolve("initial_state/s.bin"), model.resolve("initial_state")));
  }

  @Test
  void aFileOutsideTheModelIsNotLookedAt() {
    ModelConfig config = ConfigText.parse("default_model_filename: '../../n/1/model.onnx'", "x");
    assertThat(problems(config))
        .hasSize(2)
        .allMatch(p -> p.contains("(expected: a file inside " + root.resolve("m")));
  }

  private List<String> problems(ModelConfig config) {
    ModelEntry entry = requireNonNull(new ModelRepository(List.of(root), "").find("m"));
    return FileCheck.problems(entry, config, entry.versions());
  }
}
