package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.ImageForm;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import picocli.CommandLine;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Models are added to a server that runs, and answer. */
@Timeout(120)
final class ModelAddLiveTest {
  private static final Path FILES = Path.of("..", "samples", "models");
  private static final Duration LIMIT = Duration.ofSeconds(60);

  @TempDir Path repository;
  private final StringWriter out = new StringWriter();

  private int add(RunningProgram program, Path file, Path place) {
    CommandLine line = Nereid.commandLine(new Installation(repository, null, "0"));
    line.setOut(new PrintWriter(out, true));
    return line.execute(
        "model",
        "add",
        file.toString(),
        "--name=parts",
        "--repository=" + place,
        "--url=http://127.0.0.1:" + program.server.httpPort());
  }

  @ParameterizedTest
  @CsvSource({"static, explicit", "dynamic, explicit", "static, poll", "dynamic, poll"})
  void anAddedDetectorAnswersForAPicture(String layout, String mode) throws Exception {
    try (var program =
            new RunningProgram(
                List.of(repository), "--model-control-mode=" + mode, "--repository-poll-secs=1");
        var images = program.images()) {
      Path file = FILES.resolve("ultralytics_" + layout + ".onnx");
      assertThat(add(program, file, repository)).as(out.toString()).isZero();
      assertThat(out.toString()).contains("serves it now.").contains("/predict/parts");
      String text =
          images
              .post("/predict/parts", ImageForm.RAW, RunningProgram.sample("scene.jpg"), LIMIT)
              .get(60, TimeUnit.SECONDS);
      JsonNode detections = new JsonMapper().readTree(text).get("detections");
      assertThat(detections.isArray()).as(text).isTrue();
      for (JsonNode found : detections) {
        assertThat(found.get("label").asString()).isIn("bolt", "nut", "washer");
      }
    }
  }

  @Test
  void aServerThatDoesNotTakeModelsLaterIsSaid() throws Exception {
    try (var program = new RunningProgram(List.of(repository))) {
      assertThat(add(program, FILES.resolve("ultralytics_static.onnx"), repository)).isZero();
      assertThat(out.toString())
          .contains("loads models only when it starts")
          .contains("--model-control-mode=poll");
    }
  }

  @Test
  void aServerOfAnotherRepositoryRefusesAndThatIsSaid(@TempDir Path elsewhere) throws Exception {
    try (var program = new RunningProgram(List.of(repository), "--model-control-mode=explicit")) {
      assertThat(add(program, FILES.resolve("ultralytics_static.onnx"), elsewhere)).isEqualTo(1);
      assertThat(out.toString())
          .contains(
              "did not load it: failed to load 'parts', failed to poll from model repository");
    }
  }
}
