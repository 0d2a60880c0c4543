package dev.nereid.app;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.engine.Engine;
import dev.nereid.engine.EngineOptions.GpuUnavailable;
import dev.nereid.engine.IndexEntry;
import dev.nereid.engine.IndexEntry.State;
import dev.nereid.telemetry.Metrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/**
 * The configurations that {@code config} reads, each in a directory of its own in one repository,
 * with a model that fits where ONNX Runtime is asked for: what a server makes of each of them is
 * what its first line says.
 */
@Timeout(60)
final class ConfigCorpusLoadTest {
  private static final Path CORPUS =
      RunningProgram.HOME.resolve("config/src/test/resources/corpus");
  private static final String LOADS = "# loads";
  private static final String NOT_SERVED = "# not served: ";
  private static final String NO_GPU = "KIND_GPU, and no GPU can be used here";

  @TempDir Path repository;

  /** By model; those whose text is refused anyway are left out. */
  private final Map<String, String> firstLines = new LinkedHashMap<>();

  @BeforeEach
  void aRepositoryOfAll() throws IOException {
    List<Path> files;
    try (Stream<Path> found = Files.list(CORPUS)) {
      files = found.sorted().toList();
    }
    for (Path file : files) {
      String text = Files.readString(file);
      String name = String.valueOf(file.getFileName()).replace(".pbtxt", "");
      String firstLine = text.lines().findFirst().orElse("");
      if (firstLine.equals(LOADS) || firstLine.startsWith(NOT_SERVED)) {
        firstLines.put(name, firstLine);
        place(name, text);
      }
    }
  }

  private void place(String name, String text) throws IOException {
    Path version = Files.createDirectories(repository.resolve(name).resolve("1"));
    Files.writeString(version.resolveSibling("config.pbtxt"), text);
    ModelConfig config = ConfigText.parse(text, name);
    if (config.getBackend().equals("onnxruntime")
        || config.getPlatform().equals("onnxruntime_onnx")) {
      Files.write(version.resolve("model.onnx"), DeclaredOnnx.of(config));
    }
    for (var output : config.getOutputList()) {
      if (!output.getLabelFilename().isEmpty()) {
        Files.writeString(version.resolveSibling(output.getLabelFilename()), "no\nyes\n");
      }
    }
  }

  /** The index of a server without a GPU, by model. */
  private Map<String, IndexEntry> served(GpuUnavailable withoutGpu) throws Exception {
    ServeFlags flags = new ServeFlags();
    new CommandLine(flags)
        .parseArgs(
            "--model-repository=" + repository,
            "--gpu-unavailable=" + (withoutGpu == GpuUnavailable.CPU ? "cpu" : "refuse"));
    Map<String, IndexEntry> entries = new LinkedHashMap<>();
    Installation installation = new Installation(RunningProgram.HOME, null, "1.2.3");
    try (Engine engine =
        Engine.open(flags.options(installation).engine(List.of(repository)), new Metrics())) {
      engine.started().get(40, TimeUnit.SECONDS);
      engine.index().forEach(entry -> entries.put(entry.model(), entry));
    }
    return entries;
  }

  @Test
  void eachIsServedOrRefusedForTheReasonThatItsFirstLineSays() throws Exception {
    Map<String, IndexEntry> entries = served(GpuUnavailable.CPU);
    List<String> others = new ArrayList<>();
    firstLines.forEach(
        (model, firstLine) -> {
          IndexEntry entry = requireNonNull(entries.get(model), model);
          boolean ready = entry.state() == State.READY;
          boolean asSaid =
              firstLine.equals(LOADS)
                  ? ready
                  : !ready && entry.reason().contains(firstLine.substring(NOT_SERVED.length()));
          if (!asSaid) {
            others.add(model + ": " + firstLine + ", but " + entry.state() + entry.reason());
          }
        });
    assertThat(others).isEmpty();
    assertThat(firstLines.values()).contains(LOADS).anyMatch(line -> line.startsWith(NOT_SERVED));
  }

  @Test
  void whatAsksForTheGpuIsRefusedWithARemedyUnlessTheCpuWillDo() throws Exception {
    Map<String, IndexEntry> entries = served(GpuUnavailable.REFUSE);
    for (var each : firstLines.entrySet()) {
      String text = Files.readString(CORPUS.resolve(each.getKey() + ".pbtxt"));
      if (each.getValue().equals(LOADS) && text.contains("KIND_GPU")) {
        assertThat(requireNonNull(entries.get(each.getKey())).reason())
            .contains(NO_GPU, "--gpu-unavailable=cpu");
      }
    }
  }
}
