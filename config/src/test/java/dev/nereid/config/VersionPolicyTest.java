package dev.nereid.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.proto.ModelConfig;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class VersionPolicyTest {
  private static final TreeSet<Long> PRESENT = new TreeSet<>(List.of(1L, 2L, 10L));

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "|[10]",
        "version_policy { }|[10]",
        "version_policy { latest { num_versions: 2 } }|[2, 10]",
        "version_policy { latest { num_versions: 9 } }|[1, 2, 10]",
        "version_policy { latest { num_versions: 4294967295 } }|[1, 2, 10]",
        "version_policy { all { } }|[1, 2, 10]",
        "version_policy: { specific { versions: [ 2, 7 ] } }|[2]",
      })
  void choosesByPolicy(String text, String chosen) {
    assertThat(VersionPolicy.choose(parse(text == null ? "" : text), PRESENT)).hasToString(chosen);
  }

  @Test
  void namesWhatIsMissing() {
    ModelConfig config = parse("version_policy { specific { versions: [ 2, 7 ] } }");
    assertThat(VersionPolicy.missing(config, PRESENT)).containsExactly(7L);
    assertThat(VersionPolicy.missing(parse(""), PRESENT)).isEmpty();
  }

  @Test
  void refusesAModelWithNothingToServe() {
    assertThatThrownBy(
            () ->
                VersionPolicy.choose(parse("version_policy { specific { versions: 7 } }"), PRESENT))
        .hasMessage(
            "at least one version must be available under the version policy of model 'm': present"
                + " are [1, 2, 10], asked for [7]");
    assertThatThrownBy(() -> VersionPolicy.choose(parse(""), new TreeSet<>()))
        .hasMessageContaining("its directory has no version directory such as 1/");
  }

  private static ModelConfig parse(String text) {
    return ConfigText.parse("name: 'm' " + text, "x");
  }
}
