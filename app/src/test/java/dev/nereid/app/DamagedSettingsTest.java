package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.Damage;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Damaged YAML files that options name: each is read, or is a mishap that names the file. */
@Timeout(60)
final class DamagedSettingsTest {
  private static final int ROUNDS = 300;
  private static final String[] SALT = {
    "\n", ":", "- ", "{", "}", "[", "]", "'", "\"", "#", "&a", "*a", "!!x", "---", "\t", "|", "9e9"
  };

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void aFile() {
    file = folder.resolve("nereid.yaml");
  }

  /** A reader of {@link #file}. */
  private interface Reader {
    void read();
  }

  private void damage(String text, Reader reader) throws IOException {
    byte[] whole = text.getBytes(StandardCharsets.UTF_8);
    Files.write(file, whole);
    reader.read();
    Random random = new Random(7);
    int refused = 0;
    for (int i = 0; i < ROUNDS; i++) {
      Files.write(file, Damage.of(whole, random, SALT));
      try {
        reader.read();
      } catch (Mishap e) {
        assertThat(e).as("round %d", i).message().contains(file.toString());
        refused++;
      }
    }
    assertThat(refused).isBetween(ROUNDS / 10, ROUNDS);
  }

  @Test
  void aConfigurationFileIsReadOrRefusedInWords() throws IOException {
    CommandLine serve =
        Objects.requireNonNull(
            Nereid.commandLine(new Installation(Path.of("/opt/nereid"), null, "1.2.3"))
                .getSubcommands()
                .get("serve"));
    String[] words = {"serve", "--config", file.toString()};
    damage(
        """
        # where the models are
        model-repository: [/models, /more models]
        http-port: 9000
        strict-readiness: off
        log-level:
          - http=debug
        rate-limit-resource: ["R:1", 'S:2']
        id: "nereid"
        """,
        () -> assertThat(Settings.expand(serve, words, Map.of())).startsWith("serve"));
  }

  @Test
  void aPlanForTheTrafficIsReadOrRefusedInWords() throws IOException {
    damage(
        """
        detect:
          routes:
            - {model: shapes_detector, version: 1, weight: 90}
            - {model: shapes_detector, version: 2, weight: 10}
          sticky: header
        embed: {routes: [{model: embed, weight: 1}]}
        """,
        () -> assertThat(TrafficFile.read(file)).isNotNull());
  }

  @Test
  void nestingWithoutEndIsRefused() throws IOException {
    for (String deep : new String[] {"[", "{a: ", "a: [", "- ", "? "}) {
      Files.writeString(file, deep.repeat(50_000));
      assertThatThrownBy(() -> SettingsFile.read(file)).as(deep).isInstanceOf(Mishap.class);
      assertThatThrownBy(() -> TrafficFile.read(file)).as(deep).isInstanceOf(Mishap.class);
    }
  }
}
