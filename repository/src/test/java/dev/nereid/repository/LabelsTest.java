package dev.nereid.repository;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.FaultException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class LabelsTest {
  @TempDir Path model;

  @Test
  void theLineIsTheClass() throws IOException {
    Files.writeString(model.resolve("labels.txt"), "cat\r\n\nhot dog\nüber");
    Labels labels = Labels.read(model, "labels.txt");
    assertThat(labels.size()).isEqualTo(4);
    assertThat(labels.label(0)).isEqualTo("cat");
    assertThat(labels.label(1)).isNull();
    assertThat(labels.label(2)).isEqualTo("hot dog");
    assertThat(labels.label(3)).isEqualTo("über");
    assertThat(labels.label(4)).isNull();
    assertThat(labels.label(-1)).isNull();
    assertThat(Labels.of(List.of("a")).lines()).containsExactly("a");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "../labels.txt", "/etc/passwd", "a/../../labels.txt", "."})
  void aFileOutsideTheModelIsRefused(String filename) {
    assertThatThrownBy(() -> Labels.read(model, filename))
        .isInstanceOf(FaultException.class)
        .hasMessage(
            "label_filename: '%s' (expected: a file inside the model's directory)"
                .formatted(filename));
  }

  @Test
  void aFileThatCannotBeReadIsNamed() throws IOException {
    assertThatThrownBy(() -> Labels.read(model, "none.txt"))
        .hasMessage("label file " + model.resolve("none.txt") + ": does not exist");
    Files.write(model.resolve("bad.txt"), new byte[] {(byte) 0xff});
    assertThatThrownBy(() -> Labels.read(model, "bad.txt"))
        .hasMessageEndingWith("bytes that are not UTF-8");
  }

  @Test
  void whateverAFileHoldsIsReadOrRefusedInWords() throws IOException {
    Random random = new Random(21);
    for (int i = 0; i < 500; i++) {
      byte[] bytes = new byte[random.nextInt(64)];
      random.nextBytes(bytes);
      Files.write(model.resolve("labels.txt"), bytes);
      try {
        Labels labels = Labels.read(model, "labels.txt");
        assertThat(labels.lines()).hasSize(labels.size());
      } catch (FaultException e) {
        assertThat(e).message().endsWith("bytes that are not UTF-8");
      }
    }
  }
}
