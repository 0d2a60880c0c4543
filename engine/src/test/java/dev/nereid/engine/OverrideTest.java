package dev.nereid.engine;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.Fault;
import dev.nereid.engine.EngineOptions.Control;
import dev.nereid.engine.EngineOptions.ControlMode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Configurations and files that come with a load. */
final class OverrideTest extends EngineFixture {
  private static final String CONFIG =
      """
      {"backend": "identity", "max_batch_size": 4,
       "input": [{"name": "INPUT0", "data_type": "TYPE_FP32", "dims": [2]}],
       "output": [{"name": "OUTPUT0", "data_type": "TYPE_FP32", "dims": [2],
                   "label_filename": "labels.txt"}]}
      """;

  @TempDir Path scratch;

  @SuppressWarnings("NullAway.Init")
  private Engine engine;

  @BeforeEach
  void anEngine() {
    models.identity("id", 2, "");
    engine =
        open(
            EngineOptions.of(root)
                .with(Control.of(ControlMode.EXPLICIT, "id").withScratch(scratch)));
  }

  private static ByteBuffer bytes(String text) {
    return ByteBuffer.wrap(text.getBytes(UTF_8));
  }

  private List<Path> leftOver() {
    try (var files = Files.list(scratch)) {
      return files.toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aConfigurationCountsForOneLoadInsteadOfTheFile() {
    String config = CONFIG.replaceAll(",\\s*\"label_filename\": \"labels.txt\"", "");
    engine.load("id", new LoadParameters(config, Map.of()));
    assertThat(engine.config("id", -1).getMaxBatchSize()).isEqualTo(4);
    engine.load("id", LoadParameters.NONE);
    assertThat(engine.config("id", -1).getMaxBatchSize()).isEqualTo(8);
  }

  @Test
  void aConfigurationThatIsNoneIsRefused() {
    assertThat(
            refusal(() -> engine.load("id", new LoadParameters("{\"nonsense\": 1}", Map.of())))
                .failure()
                .fault())
        .isEqualTo(Fault.INVALID_ARGUMENT);
    assertThat(
            refusal(() -> engine.load("id", new LoadParameters("{", Map.of()))).failure().message())
        .startsWith("failed to load 'id': model configuration: not valid JSON");
    infer(engine, "id", -1, "INPUT0").response();
  }

  @Test
  void filesMakeAModelThatIsInNoRepositoryAndAreDeletedWithIt() {
    Map<String, ByteBuffer> files =
        Map.of("1/model.bin", bytes("x"), "2/model.bin", bytes("y"), "labels.txt", bytes("cat\n"));
    engine.load("sent", new LoadParameters(CONFIG, files));
    assertThat(engine.versions("sent", -1)).containsExactly(2L);
    assertThat(engine.labels("sent", -1, "OUTPUT0")).containsExactly("cat");
    infer(engine, "sent", -1, "INPUT0").response();
    assertThat(leftOver()).hasSize(1);
    engine.load("sent", new LoadParameters(CONFIG, files));
    await("the first is gone", () -> leftOver().size() == 1);
    engine.unload("sent", false);
    await("both are gone", () -> leftOver().isEmpty());
  }

  @Test
  void filesReplaceARepositorysModelForOneLoad() {
    engine.load(
        "id", new LoadParameters(CONFIG, Map.of("7/x", bytes("x"), "labels.txt", bytes("a\n"))));
    assertThat(infer(engine, "id", -1, "INPUT0").response().version()).isEqualTo(7);
    engine.load("id", LoadParameters.NONE);
    assertThat(infer(engine, "id", -1, "INPUT0").response().version()).isEqualTo(1);
    await("the files are gone", () -> leftOver().isEmpty());
  }

  @Test
  void filesNeedAConfiguration() {
    assertThat(
            refusal(() -> engine.load("id", new LoadParameters(null, Map.of("1/x", bytes("x")))))
                .failure())
        .isEqualTo(
            Fault.INVALID_ARGUMENT.with(
                "Load parameter 'config' must be specified for model file override"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"../out", "/etc/passwd", "1/../../out", "", ".", "1/\u0000"})
  void aPathThatLeadsOutIsRefused(String path) {
    assertThat(
            refusal(() -> engine.load("id", new LoadParameters(CONFIG, Map.of(path, bytes("x")))))
                .failure()
                .message())
        .startsWith("invalid path in model file override: 'file:");
    assertThat(leftOver()).isEmpty();
    infer(engine, "id", -1, "INPUT0").response();
  }

  @Test
  void whatCannotBeWrittenLeavesNothingAndStopsNobody() throws Exception {
    Path full = scratch.resolve("no-directory");
    Files.writeString(full, "");
    Engine broken =
        open(EngineOptions.of(root).with(Control.of(ControlMode.EXPLICIT, "id").withScratch(full)));
    var failure =
        refusal(() -> broken.load("id", new LoadParameters(CONFIG, Map.of("1/x", bytes("x")))))
            .failure();
    assertThat(failure.fault()).isEqualTo(Fault.INTERNAL);
    assertThat(failure.message())
        .startsWith(
            "failed to load 'id', failed to poll from model repository: failed to write the");
    assertThat(broken.isReady()).isTrue();
    infer(broken, "id", -1, "INPUT0").response();
  }
}
