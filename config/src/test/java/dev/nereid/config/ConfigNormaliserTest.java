package dev.nereid.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.nereid.config.ConfigNormaliser.Defaults;
import dev.nereid.config.proto.ModelConfig;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ConfigNormaliserTest {
  private static final Defaults CPU = new Defaults(false, "model.onnx", 2);
  private static final Defaults GPU = new Defaults(true, "model.onnx", 2, List.of(0, 1));

  @Test
  void whatIsLeftOutIsWrittenDown() {
    ModelConfig config = normalise("name: 'm' max_batch_size: 8 dynamic_batching { }", CPU);
    assertThat(config.getVersionPolicy().getLatest().getNumVersions()).isEqualTo(1);
    assertThat(config.getDynamicBatching().getPreferredBatchSizeList()).containsExactly(8);
    assertThat(config.getOptimization().getInputPinnedMemory().getEnable()).isTrue();
    assertThat(config.getOptimization().getOutputPinnedMemory().getEnable()).isTrue();
    assertThat(config.getDefaultModelFilename()).isEqualTo("model.onnx");
    assertThat(ConfigText.print(config))
        .contains("instance_group {\n  name: \"m\"\n  count: 2\n  kind: KIND_CPU\n}");
  }

  @Test
  void whatIsWrittenStays() {
    String text =
        """
        name: 'm' max_batch_size: 8 default_model_filename: 'x.onnx'
        version_policy { all { } }
        dynamic_batching { preferred_batch_size: 4 }
        optimization { input_pinned_memory { enable: false } output_pinned_memory { enable: false } }
        instance_group { name: 'g' count: 3 kind: KIND_GPU gpus: 1 }
        """;
    assertThat(normalise(text, GPU)).isEqualTo(ConfigText.parse(text, "x"));
  }

  @Test
  void doingItTwiceChangesNothing() {
    ModelConfig once =
        normalise("name: 'm' max_batch_size: 8 sequence_batching { oldest { } }", GPU);
    assertThat(ConfigNormaliser.normalise(once, GPU)).isEqualTo(once);
  }

  @Test
  void groupsGetNamesKindsCountsAndDevices() {
    String text = "name: 'm' instance_group [ { }, { name: 'b' gpus: 0 }, { kind: KIND_MODEL } ]";
    assertThat(normalise(text, CPU).getInstanceGroupList())
        .extracting(g -> g.getName() + " " + g.getKind() + " " + g.getCount() + g.getGpusList())
        .containsExactly("m_0 KIND_CPU 2[]", "b KIND_GPU 1[0]", "m_2 KIND_MODEL 1[]");
    assertThat(normalise(text, GPU).getInstanceGroupList())
        .extracting(g -> g.getName() + " " + g.getKind() + " " + g.getCount() + g.getGpusList())
        .containsExactly("m_0 KIND_GPU 1[0, 1]", "b KIND_GPU 1[0]", "m_2 KIND_MODEL 1[]");
  }

  @Test
  void sequencesGetAnIdleTimeAndPreferredSizes() {
    ModelConfig config =
        normalise("name: 'm' max_batch_size: 8 sequence_batching { oldest { } }", CPU);
    assertThat(config.getSequenceBatching().getMaxSequenceIdleMicroseconds()).isEqualTo(1_000_000);
    assertThat(config.getSequenceBatching().getOldest().getPreferredBatchSizeList())
        .containsExactly(8);
  }

  @Test
  void aModelWithoutBatchDimensionGetsNoPreferredSize() {
    ModelConfig config = normalise("name: 'm' dynamic_batching { }", CPU);
    assertThat(config.getDynamicBatching().getPreferredBatchSizeCount()).isZero();
  }

  @Test
  void anEnsembleGetsNothingButAVersionPolicy() {
    String text = "name: 'm' platform: 'ensemble' ensemble_scheduling { step { } }";
    ModelConfig config = normalise(text, CPU);
    assertThat(config.toBuilder().clearVersionPolicy().build())
        .isEqualTo(ConfigText.parse(text, "x"));
  }

  @Test
  void refusesDefaultsWithoutInstances() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Defaults(false, "", 0))
        .withMessage("defaultCpuInstances: 0 (expected: 1 or more)");
  }

  private static ModelConfig normalise(String text, Defaults defaults) {
    return ConfigNormaliser.normalise(ConfigText.parse(text, "x"), defaults);
  }
}
