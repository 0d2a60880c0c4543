package dev.nereid.config;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.ConfigNormaliser.Defaults;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.FaultException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Reads configurations in every manner of writing that is met in the wild. The first lines of each
 * say what is to come of it: {@code # loads}, {@code # refused: TEXT}, {@code # not served: TEXT}
 * when it is well written and asks for what is not offered, {@code # warns: TEXT}. That an engine
 * loads or refuses it when it is loaded is shown by {@code app}, which has every back end.
 */
final class ConfigCorpusTest {
  private static final int DAMAGES = 40;
  private static final String SALT = "{}[]<>:,;'\"\\#\n\0-+.x9\uFFFF";
  private static final Defaults DEFAULTS = new Defaults(true, "", 2, List.of(0, 1));

  static List<Path> corpus() throws IOException, URISyntaxException {
    Path directory = Path.of(requireNonNull(ConfigCorpusTest.class.getResource("/corpus")).toURI());
    try (Stream<Path> files = Files.list(directory)) {
      return files.sorted().toList();
    }
  }

  @ParameterizedTest
  @MethodSource("corpus")
  void isWhatItsFirstLinesSay(Path file) throws IOException {
    String text = Files.readString(file);
    List<String> refusals = marks(text, "# refused: ");
    if (!refusals.isEmpty()) {
      assertThatThrownBy(() -> load(file, text))
          .isInstanceOf(FaultException.class)
          .hasMessageContaining(refusals.getFirst());
      return;
    }
    assertThat(text).matches("(?s)# (loads|not served: [^\n]+)\n.*");
    ModelConfig config = load(file, text);
    assertThat(ModelSpec.of(config).inputs()).isNotEmpty();
    assertThat(ConfigText.parse(ConfigText.print(config), "printed")).isEqualTo(config);
    assertThat(ConfigJson.parse(ConfigJson.print(config))).isEqualTo(config);
    List<String> warnings = ModelLint.warnings(config, config, 16);
    for (String warning : marks(text, "# warns: ")) {
      assertThat(warnings).anyMatch(w -> w.contains(warning));
    }
  }

  /** Damages every text in many ways; what cannot be read must be said, never thrown otherwise. */
  @ParameterizedTest
  @MethodSource("corpus")
  void damageIsRefusedInWords(Path file) throws IOException {
    String text = Files.readString(file);
    Random random = new Random(text.hashCode());
    for (int i = 0; i < DAMAGES; i++) {
      StringBuilder damaged = new StringBuilder(text);
      int at = random.nextInt(text.length());
      switch (random.nextInt(4)) {
        case 0 -> damaged.setLength(at);
        case 1 -> damaged.deleteCharAt(at);
        case 2 -> damaged.insert(at, SALT.charAt(random.nextInt(SALT.length())));
        default -> damaged.insert(at, text, at / 2, Math.min(text.length(), at / 2 + 9));
      }
      try {
        ConfigValidator.problems(ConfigText.parse(damaged.toString(), "f"));
      } catch (FaultException e) {
        assertThat(e).message().matches("(?s)failed to read text proto from f:\\d+:\\d+: .+");
      }
    }
  }

  @Test
  void nestingWithoutEndIsRefused() {
    for (String deep : List.of("a{", "a:[", "input{", "[", "<", "a<")) {
      assertThatThrownBy(() -> ConfigText.parse(deep.repeat(100_000), "f"))
          .isInstanceOf(FaultException.class);
    }
  }

  private static ModelConfig load(Path file, String text) {
    String name = String.valueOf(file.getFileName()).replace(".pbtxt", "");
    ModelConfig written = ConfigText.parse(text, name + "/config.pbtxt");
    ModelConfig named = BackendNames.complete(written, name, List.of());
    ModelConfig config = ConfigNormaliser.normalise(named, DEFAULTS);
    ConfigValidator.check(config, DEFAULTS.gpus());
    return config;
  }

  private static List<String> marks(String text, String mark) {
    return text.lines()
        .filter(line -> line.startsWith(mark))
        .map(line -> line.substring(mark.length()))
        .toList();
  }
}
