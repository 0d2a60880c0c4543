package dev.nereid.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.proto.ModelConfig;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ConfigMergeTest {
  private static final String BATCHED =
      """
      max_batch_size: 4 dynamic_batching { }
      input { name: 'x' data_type: TYPE_FP32 dims: [ 3, -1 ] }
      output [ { name: 'y' data_type: TYPE_FP32 dims: 10 }, { name: 's' data_type: TYPE_INT64 dims: 1 reshape { } } ]
      """;
  private static final String FIXED =
      """
      input { name: 'x' data_type: TYPE_FP32 dims: [ 1, 3 ] }
      output { name: 'y' data_type: TYPE_FP32 dims: [ 1, 10 ] }
      """;
  private static final String UNSAID_BATCH =
      """
      input { name: 'x' data_type: TYPE_FP32 dims: [ -1, 3 ] }
      output { name: 'y' data_type: TYPE_FP32 dims: [ -1 ] }
      """;

  @Test
  void anEmptyConfigurationTakesEverything() {
    ModelConfig merged = merge("", BATCHED);
    assertThat(merged).isEqualTo(parse(BATCHED));
  }

  @Test
  void whatIsWrittenWins() {
    ModelConfig merged =
        merge(
            "max_batch_size: 32 input { name: 'x' dims: [ 3, 224 ] allow_ragged_batch: true }"
                + " sequence_batching { }",
            BATCHED);
    assertThat(merged.getMaxBatchSize()).isEqualTo(32);
    assertThat(merged.hasSequenceBatching()).isTrue();
    assertThat(merged.getInput(0).getDimsList()).containsExactly(3L, 224L);
    assertThat(merged.getInput(0).getDataType().name()).isEqualTo("TYPE_FP32");
    assertThat(merged.getInput(0).getAllowRaggedBatch()).isTrue();
    assertThat(merged.getOutputList()).isEqualTo(parse(BATCHED).getOutputList());
  }

  @Test
  void aCompleteConfigurationGetsNoScheduler() {
    String complete =
        "max_batch_size: 8 input { name: 'x' data_type: TYPE_FP32 dims: [ 3, -1 ] } output { name:"
            + " 'y' data_type: TYPE_FP32 dims: 10 }";
    assertThat(merge(complete, BATCHED)).isEqualTo(parse(complete));
  }

  @Test
  void wholeShapesMeanThatTheServerDoesNotBatch() {
    ModelConfig merged = merge("input { name: 'x' dims: [ -1, 3, 5 ] }", BATCHED);
    assertThat(merged.getMaxBatchSize()).isZero();
    assertThat(merged.hasDynamicBatching()).isFalse();
    assertThat(merged.getOutput(0).getDimsList()).containsExactly(-1L, 10L);
    assertThat(merged.getOutput(1).getDimsList()).containsExactly(-1L);
    assertThat(merged.getOutput(1).hasReshape()).isFalse();
  }

  @Test
  void aBatchSizeTakesTheOuterDimensionOff() {
    ModelConfig merged = merge("max_batch_size: 2", UNSAID_BATCH);
    assertThat(merged.getInput(0).getDimsList()).containsExactly(3L);
    assertThat(merged.getOutput(0).getDimsList()).containsExactly(1L);
    assertThat(merged.getOutput(0).hasReshape()).isTrue();
  }

  @Test
  void silenceOfTheModelChangesNothing() {
    String text = "max_batch_size: 2 input { name: 'x' } parameters { key: 'a' value { } }";
    assertThat(merge(text, text)).isEqualTo(parse(text));
    ModelConfig merged =
        merge(text, "backend: 'b' parameters { key: 'c' value { string_value: 'd' } }");
    assertThat(merged.getBackend()).isEqualTo("b");
    assertThat(merged.getParametersMap()).containsOnlyKeys("a", "c");
    assertThat(merged.getInputList()).isEqualTo(parse(text).getInputList());
  }

  @Test
  void inputsThatTheServerFillsAreNotAskedOfRequests() {
    String text =
        """
        max_batch_size: 4
        sequence_batching { control_input { name: 'start' } state { input_name: 'in' output_name: 'out' } }
        batch_input { target_name: 'lengths' }
        """;
    String model = UNSAID_BATCH;
    for (String name : new String[] {"start", "in", "lengths"}) {
      model += "input { name: '" + name + "' data_type: TYPE_FP32 dims: -1 } ";
    }
    model += "output { name: 'out' data_type: TYPE_FP32 dims: -1 }";
    ModelConfig merged = merge(text, model);
    assertThat(merged.getInputList()).extracting(i -> i.getName()).containsExactly("x");
    assertThat(merged.getOutputList()).extracting(o -> o.getName()).containsExactly("y");
  }

  @Test
  void optionalInputsMayStayUnconfigured() {
    String model = BATCHED + "input { name: 'o' data_type: TYPE_FP32 dims: 1 optional: true }";
    String text = "max_batch_size: 4 input { name: 'x' data_type: TYPE_FP32 dims: [ 3, 5 ] }";
    assertThat(merge(text, model).getInputCount()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "max_batch_size: 8|fixed|autofill failed for model 'm': model does not support batching"
            + " while non-zero max_batch_size is specified",
        "input { name: 'z' }|batched|unexpected inference input 'z', allowed inputs are: x",
        "output { name: 'z' }|batched|unexpected inference output 'z', allowed outputs are: y, s",
        "input { name: 'x' data_type: TYPE_FP16 dims: [ 3, 1 ] }|batched|unexpected datatype"
            + " TYPE_FP16 for inference input 'x', expecting TYPE_FP32",
        "max_batch_size: 8 input { name: 'x' data_type: TYPE_FP32 dims: [ 1, 3, 224 ]"
            + " }|batched|model 'm', tensor 'x': the model expects 3 dimensions (shape [-1,3,-1])"
            + " but the model configuration specifies 4 dimensions (shape [-1,1,3,224]",
        "input { name: 'x' dims: [ 1, 4 ] }|fixed|model 'm', tensor 'x': the model expects 2"
            + " dimensions (shape [1,3]) but the model configuration specifies 2 dimensions (shape"
            + " [1,4])",
        "output { name: 'y' dims: [ -1, 10 ] }|fixed|tensor 'y': the model expects 2 dimensions",
      })
  void contradictionsAreErrors(String text, String model, String fragment) {
    assertThatThrownBy(() -> merge(text, model.equals("fixed") ? FIXED : BATCHED))
        .hasMessageContaining(fragment);
  }

  @Test
  void everyInputOfTheModelMustBeConfigured() {
    String model = BATCHED + "input { name: 'w' data_type: TYPE_FP32 dims: 1 }";
    assertThatThrownBy(() -> merge("input { name: 'x' dims: [ 3, 5 ] }", model))
        .hasMessage(
            "unable to load model 'm', configuration expects 1 inputs, model provides 2; not"
                + " configured: w");
  }

  private static ModelConfig merge(String declared, String described) {
    return ConfigMerge.merge(parse(declared), parse(described));
  }

  private static ModelConfig parse(String text) {
    return ConfigText.parse("name: 'm' " + text, "x");
  }
}
