package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

final class ModelAddCommandTest {
  private static final Path FILES = Path.of("..", "samples", "models");

  @TempDir Path repository;
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(String... arguments) {
    CommandLine line = Nereid.commandLine(new Installation(repository, null, "0"));
    line.setOut(new PrintWriter(out, true)).setErr(new PrintWriter(err, true));
    return line.execute(arguments);
  }

  private int add(Path file, String name) {
    return run(
        "model",
        "add",
        file.toString(),
        "--name=" + name,
        "--repository=" + repository,
        "--url=http://127.0.0.1:1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"static", "dynamic"})
  void anUltralyticsExportBecomesADetectorThatLoads(String layout) throws Exception {
    assertThat(add(FILES.resolve("ultralytics_" + layout + ".onnx"), "parts")).isZero();
    assertThat(out.toString())
        .contains("a detector of 3 classes (bolt, nut, washer), 320x320")
        .contains("No server answers at http://127.0.0.1:1; start one: nereid serve")
        .contains("/predict/parts");
    assertThat(Files.readAllLines(repository.resolve("parts/labels.txt")))
        .isEqualTo(List.of("bolt", "nut", "washer"));
    assertThat(run("check-model", repository.resolve("parts").toString())).isZero();
    assertThat(out.toString()).contains("parts: fine, ensemble of 3");
  }

  @Test
  void anyOtherModelTakesItsTensors() {
    Path simple = Path.of("..", "models", "simple", "1", "model.onnx");
    assertThat(add(simple, "sums")).isZero();
    assertThat(out.toString()).contains("sums takes [INPUT0 INT32 [-1,16]");
    assertThat(run("check-model", repository.resolve("sums").toString())).isZero();
  }

  @Test
  void aTakenNameIsRefusedAndNothingIsWritten() throws Exception {
    Files.createDirectory(repository.resolve("parts_network"));
    assertThat(add(FILES.resolve("ultralytics_static.onnx"), "parts")).isEqualTo(1);
    assertThat(err.toString()).contains("exists (expected: a free name; try --name)");
    try (var inside = Files.list(repository)) {
      assertThat(inside).containsExactly(repository.resolve("parts_network"));
    }
  }

  @Test
  void whatIsNoModelIsRefusedInOneLine() {
    assertThat(add(Path.of("pom.xml"), "x")).isEqualTo(1);
    assertThat(err.toString()).startsWith("nereid model add: ").hasLineCount(1);
  }

  @Test
  void listsAreWrittenInOneLineAndMeanTheSame() {
    ModelConfig config =
        ConfigText.parse(
            "name: 'm' input { name: 'i' data_type: TYPE_FP32 dims: [-1, 2, 3] "
                + "reshape { shape: [1, 6] } }",
            "text");
    String text = ModelAddCommand.text(config);
    assertThat(text).contains("dims: [ -1, 2, 3 ]", "shape: [ 1, 6 ]");
    assertThat(ConfigText.parse(text, "text")).isEqualTo(config);
  }

  @Test
  void namesAreMadeOfPlainLetters() {
    assertThat(ModelAddCommand.nameOf(Path.of("/x/YOLO11n-Best (2).onnx")))
        .isEqualTo("yolo11n_best_2");
  }
}
