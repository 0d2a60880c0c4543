package dev.nereid.engine;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.Fault;
import org.junit.jupiter.api.Test;

/** What tells that a model answers otherwise than before. */
final class ModelIdentityTest extends EngineFixture {
  private static void load(Engine engine, String model) {
    engine.load(model, LoadParameters.NONE);
  }

  @Test
  void anotherConfigurationIsAnotherIdentityToTheEnsembleAsWell() {
    models.identity("a", 2, "").delay("b", "").chain("e", "a", "b");
    Engine engine = explicit("e");
    ModelIdentity before = engine.identity("e", -1);
    assertThat(engine.identity("e", -1)).isEqualTo(before);
    assertThat(before.loads()).hasSize(3).doesNotHaveDuplicates();
    assertThat(before.contents()).hasSize(3);
    ModelIdentity untouched = engine.identity("a", -1);
    models.delay("b", "dynamic_batching {}");
    load(engine, "b");
    ModelIdentity after = engine.identity("e", -1);
    assertThat(after.loads()).isNotEqualTo(before.loads());
    assertThat(after.contents()).isNotEqualTo(before.contents());
    assertThat(engine.identity("a", -1)).isEqualTo(untouched);
  }

  @Test
  void theSameFilesAreTheSameContentsInAnyEngineButNeverTheSameLoads() {
    models.identity("id", 2, "");
    ModelIdentity one = explicit("id").identity("id", -1);
    ModelIdentity other = explicit("id").identity("id", -1);
    assertThat(other.contents()).isEqualTo(one.contents());
    assertThat(other.loads()).isNotEqualTo(one.loads());
  }

  @Test
  void otherFilesAreOtherContents() {
    models.identity("id", 2, "");
    ModelIdentity one = explicit("id").identity("id", -1);
    write("id/1/model.bin", "weights");
    ModelIdentity other = explicit("id").identity("id", -1);
    assertThat(other.contents()).isNotEqualTo(one.contents());
  }

  @Test
  void whatIsNotServedHasNone() {
    Engine engine = explicit();
    assertThat(refusal(() -> engine.identity("nobody", -1)).failure().fault())
        .isEqualTo(Fault.NOT_FOUND);
  }
}
