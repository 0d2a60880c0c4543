package dev.nereid.backend.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.DataType;
import dev.nereid.core.FaultException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class BareSessionTest {
  private static final Duration SHORT = Duration.ofMillis(20);

  @TempDir private Path directory;

  @Test
  void runsFromSeveralCallersAtOnce() {
    Path model = TinyOnnx.twice(DataType.FP32, "batch", 4).writeTo(directory).resolve("1");
    try (BareSession session = BareSession.open(model, 1, false)) {
      assertThat(session.itemsPerSecond(new BareSession.Load(8, 2, SHORT, SHORT))).isPositive();
    }
  }

  @ParameterizedTest
  @EnumSource
  void makesUpInputsOfEveryType(DataType type) {
    TinyOnnx onnx = TinyOnnx.identity(type, "batch", "width").output("free", type, "m", "n");
    onnx.node("Identity", List.of("INPUT0"), List.of("free"));
    Path model = onnx.writeTo(directory).resolve("1");
    try (BareSession session = BareSession.open(model, 1, false)) {
      assertThat(session.itemsPerSecond(new BareSession.Load(2, 1, SHORT, SHORT))).isPositive();
    }
  }

  @Test
  void tellsWhatIsWrong() {
    assertThatThrownBy(() -> BareSession.open(directory.resolve("none.onnx"), 1, false))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("none.onnx");
    assertThatThrownBy(() -> new BareSession.Load(0, 1, SHORT, SHORT))
        .hasMessage("load: batch 0, callers 1 (expected: 1 or more of each)");
  }
}
