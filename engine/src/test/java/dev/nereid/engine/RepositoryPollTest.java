package dev.nereid.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.FakeTicker;
import dev.nereid.engine.EngineOptions.Control;
import dev.nereid.engine.EngineOptions.ControlMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a server does that looks at its repositories by itself; each test says when it looks. */
final class RepositoryPollTest extends EngineFixture {
  private final FakeTicker ticker = new FakeTicker();

  private LocalEngine polling() {
    Control control = Control.of(ControlMode.POLL);
    Control rarely =
        new Control(
            control.mode(),
            List.of(),
            Duration.ofDays(1),
            control.loadTimeout(),
            0,
            control.scratch());
    return open(EngineOptions.of(root).with(rarely), ticker);
  }

  private static void look(LocalEngine engine, int times) {
    for (int i = 0; i < times; i++) {
      engine.look();
      await("carried out", engine::isPolled);
    }
  }

  @Test
  void aNewModelIsLoadedWhenTwoLooksSawTheSame() {
    LocalEngine engine = polling();
    models.identity("id", 2, "");
    look(engine, 1);
    assertThat(states(engine, "id")).isEmpty();
    look(engine, 1);
    assertThat(states(engine, "id")).containsExactly("1 READY");
    infer(engine, "id", -1, "INPUT0").response();
  }

  @Test
  void aModelThatIsStillBeingCopiedIsLeftAlone() {
    models.identity("id", 2, "");
    LocalEngine engine = polling();
    StringBuilder copied = new StringBuilder();
    for (int i = 0; i < 5; i++) {
      copied.append("part");
      write("id/2/model.bin", copied.toString());
      write("new/1/model.bin", copied.toString());
      look(engine, 1);
      assertThat(engine.versions("id", -1)).containsExactly(1L);
      assertThat(states(engine, "new")).isEmpty();
    }
    look(engine, 1);
    assertThat(engine.versions("id", -1)).containsExactly(2L);
  }

  @Test
  void changesAndRemovalsAreFollowed() {
    models.identity("changed", 2, "").identity("same", 2, "").identity("gone", 2, "");
    LocalEngine engine = polling();
    infer(engine, "same", -1, "INPUT0").response();
    models.identity("changed", 2, "dynamic_batching {}");
    delete("gone");
    look(engine, 2);
    assertThat(engine.config("changed", -1).hasDynamicBatching()).isTrue();
    await("unloaded", () -> states(engine, "gone").isEmpty());
    assertThat(engine.statistics("same", -1).getFirst().success().count()).isEqualTo(1);
    assertThat(engine.isReady()).isTrue();
    models.identity("gone", 2, "");
    look(engine, 2);
    infer(engine, "gone", -1, "INPUT0").response();
  }

  @Test
  void anEnsembleMayComeBeforeItsSteps() {
    LocalEngine engine = polling();
    models.chain("a_chain", "b", "c");
    look(engine, 2);
    assertThat(states(engine, "a_chain")).containsExactly("1 UNAVAILABLE");
    models.identity("b", 2, "").identity("c", 2, "");
    look(engine, 2);
    infer(engine, "a_chain", -1, "IN").response();
    assertThat(engine.isReady()).isTrue();
  }

  @Test
  void aRepositoryThatIsGoneChangesNothing() throws Exception {
    Path repository = Files.createDirectory(root.resolve("repository"));
    new ModelFolder(repository).identity("id", 2, "");
    Control control = Control.of(ControlMode.POLL);
    LocalEngine engine = open(EngineOptions.of(repository).with(control), ticker);
    Path elsewhere = root.resolve("elsewhere");
    Files.move(repository, elsewhere);
    look(engine, 3);
    infer(engine, "id", -1, "INPUT0").response();
    Files.createDirectory(repository); // where it was mounted
    look(engine, 3);
    infer(engine, "id", -1, "INPUT0").response();
    assertThat(engine.isReady()).isTrue();
    Files.delete(repository);
    Files.move(elsewhere, repository);
    new ModelFolder(repository).identity("more", 2, "");
    look(engine, 3);
    infer(engine, "more", -1, "INPUT0").response();
  }

  @Test
  void whatFailsIsTriedAgainWhenItChangesAndNowAndThen() {
    models.identity("id", 2, "");
    LocalEngine engine = polling();
    models.model("id", "nonsense: 1");
    look(engine, 2);
    assertThat(failures()).isEqualTo(1);
    assertThat(engine.isReady()).as("the old one serves").isTrue();
    look(engine, 3);
    assertThat(failures()).as("not at every look").isEqualTo(1);
    ticker.advance(Duration.ofSeconds(16));
    look(engine, 1);
    assertThat(failures()).isEqualTo(2);
    ticker.advance(Duration.ofSeconds(16));
    look(engine, 1);
    assertThat(failures()).as("pauses grow").isEqualTo(2);
    models.identity("id", 2, "dynamic_batching {}");
    look(engine, 2);
    assertThat(engine.config("id", -1).hasDynamicBatching()).isTrue();
    infer(engine, "id", -1, "INPUT0").response();
  }

  private int failures() {
    return metrics
        .scrape()
        .lines()
        .filter(line -> line.startsWith("nereid_model_loads_total") && line.contains("failure"))
        .mapToInt(line -> Integer.parseInt(line.substring(line.indexOf('}') + 2)))
        .sum();
  }
}
