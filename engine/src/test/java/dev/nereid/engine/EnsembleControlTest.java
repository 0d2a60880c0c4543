package dev.nereid.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.core.Fault;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Ensembles and the models of their steps, loaded and unloaded on request. */
final class EnsembleControlTest extends EngineFixture {
  private static void load(Engine engine, String model) {
    engine.load(model, LoadParameters.NONE);
  }

  private void answers(Engine engine, String ensemble) {
    assertThat(TestTensors.floatsOf(infer(engine, ensemble, -1, "IN").response().output("OUT")))
        .containsExactly(3, 4);
  }

  @Test
  void anEnsembleBringsItsStepsAndTakesThemAlongWhenAsked() {
    models.identity("a", 2, "").identity("b", 2, "").identity("c", 2, "");
    models.chain("inner", "a", "b").chain("other", "b", "c");
    Engine engine = explicit();
    load(engine, "inner");
    answers(engine, "inner");
    load(engine, "a");
    load(engine, "other");
    engine.unload("inner", true);
    assertThat(engine.isReady("a", -1)).as("was asked for").isTrue();
    assertThat(engine.isReady("b", -1)).as("is part of another").isTrue();
    answers(engine, "other");
    engine.unload("other", true);
    awaitState(engine, "b", "1 UNAVAILABLE");
    awaitState(engine, "c", "1 UNAVAILABLE");
    assertThat(engine.isReady()).isTrue();
  }

  @Test
  void withoutThatItsStepsStay() {
    models.identity("a", 2, "").chain("e", "a", "a");
    Engine engine = explicit("e");
    engine.unload("e", false);
    assertThat(engine.isReady("a", -1)).isTrue();
  }

  @Test
  void itFollowsAStepThatIsLoadedAnew() {
    models.identity("a", 2, "").delay("b", "").chain("e", "a", "b").chain("outer", "a", "a");
    Engine engine = explicit("e", "outer");
    RecordingReply slow = infer(engine, "e", -1, "IN", Map.of("delay_ms", 300L));
    models.delay("b", "dynamic_batching {}");
    load(engine, "b");
    answers(engine, "e");
    assertThat(engine.statistics("b", 1).getFirst().success().count())
        .as("the new step answered")
        .isEqualTo(1);
    assertThat(slow.isDone()).as("the old ensemble goes on with the old step").isFalse();
    slow.response();
    await("both are counted", () -> engine.statistics("e", 1).getFirst().success().count() == 2);
  }

  @Test
  void withoutAStepItIsUnavailableAndComesBackWithIt() {
    models.identity("a", 2, "").identity("b", 2, "").chain("e", "a", "b");
    Engine engine = explicit("e", "b");
    engine.unload("b", false);
    assertThat(states(engine, "e")).containsExactly("1 UNAVAILABLE");
    assertThat(reason(engine, "e"))
        .isEqualTo("ensemble 'e' depends on 'b' which has no loaded version");
    assertThat(engine.isReady()).isFalse();
    assertThat(infer(engine, "e", -1, "IN").failure().fault()).isEqualTo(Fault.NOT_FOUND);
    load(engine, "b");
    assertThat(states(engine, "e")).containsExactly("1 READY");
    answers(engine, "e");
    assertThat(engine.isReady()).isTrue();
  }

  @Test
  void aStepThatNoLongerFitsMakesItUnavailable() {
    models.identity("a", 2, "").identity("b", 2, "").chain("e", "a", "b");
    Engine engine = explicit("e");
    models.identity("b", 3, "");
    load(engine, "b");
    assertThat(states(engine, "e")).containsExactly("1 UNAVAILABLE");
    assertThat(reason(engine, "e")).contains("tensor 'between'").contains("[-1,3]");
    models.identity("b", 2, "");
    load(engine, "b");
    answers(engine, "e");
  }

  @Test
  void aReloadThatDoesNotFitLeavesTheOldOne() {
    models.identity("a", 2, "").identity("b", 2, "").identity("wide", 3, "").chain("e", "a", "b");
    Engine engine = explicit("e", "wide");
    models.chain("e", "a", "wide");
    assertThat(refusal(() -> load(engine, "e")).failure().message())
        .startsWith("load failed for model 'e': version 1 is at UNAVAILABLE state: ensemble 'e'")
        .contains("[-1,3]");
    answers(engine, "e");
    assertThat(engine.isReady()).isTrue();
  }

  @Test
  void ensemblesThatNeedEachOtherAreRefused() {
    models.identity("a", 2, "").chain("hen", "egg", "a").chain("egg", "hen", "a");
    Engine engine = explicit();
    assertThat(refusal(() -> load(engine, "hen")).failure().fault())
        .isEqualTo(Fault.INVALID_ARGUMENT);
    assertThat(reason(engine, "hen") + reason(engine, "egg")).contains("circular dependency");
  }

  @Test
  void aStepThatIsMissingIsNamed() {
    models.identity("a", 2, "").chain("e", "a", "gone");
    assertThat(refusal(() -> load(explicit(), "e")).failure().message())
        .isEqualTo(
            "load failed for model 'e': version 1 is at UNAVAILABLE state: "
                + "ensemble 'e' depends on 'gone' which has no loaded version;");
  }
}
