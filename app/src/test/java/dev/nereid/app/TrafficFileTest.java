package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class TrafficFileTest {
  @TempDir private Path folder;

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("traffic.yaml"), text);
  }

  @Test
  void readsPlansByModel() throws IOException {
    Map<String, Object> plans =
        TrafficFile.read(
            file(
                """
                detect:
                  sticky: header:X-User
                  arms:
                    - {name: a, version: 1, weight: 0.5}
                """));
    assertThat(plans)
        .isEqualTo(
            Map.of(
                "detect",
                Map.of(
                    "sticky",
                    "header:X-User",
                    "arms",
                    List.of(Map.of("name", "a", "version", 1, "weight", 0.5)))));
  }

  @Test
  void saysWhatIsWrongAndWhere() throws IOException {
    assertThatThrownBy(() -> TrafficFile.read(folder.resolve("none.yaml")))
        .isInstanceOf(Mishap.class)
        .hasMessageContaining("no such file");
    Path broken = file("detect:\n  arms: [");
    assertThatThrownBy(() -> TrafficFile.read(broken))
        .isInstanceOf(Mishap.class)
        .hasMessageContaining("traffic.yaml:");
    Path list = file("- a");
    assertThatThrownBy(() -> TrafficFile.read(list))
        .isInstanceOf(Mishap.class)
        .hasMessageContaining("expected MODEL");
  }
}
