package dev.nereid.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.FaultException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class ConfigValidatorTest {
  private static final String MODEL =
      """
      name: 'm' backend: 'onnxruntime' max_batch_size: 8
      input { name: 'x' data_type: TYPE_FP32 dims: [ 3, 4 ] }
      output { name: 'y' data_type: TYPE_FP32 dims: [ -1 ] }
      """;
  private static final String CONTROL =
      "sequence_batching { control_input { name: 'c' control { kind: ";
  private static final String STATE =
      "sequence_batching { state { input_name: 'a' output_name: 'b' data_type: TYPE_FP32 dims: -1 ";

  @Test
  void aSoundModelHasNoProblem() {
    assertThatCode(() -> ConfigValidator.check(parse(MODEL))).doesNotThrowAnyException();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "input { name: 'i' data_type: TYPE_FP32 reshape { shape: [ ] } dims: [ 1 ] }",
        "input { name: 'i' data_type: TYPE_FP32 reshape { shape: [ 2, -1, 6 ] } dims: [ 2, -1, 3, 2 ] }",
        "input { name: 'i' data_type: TYPE_FP32 reshape { } }",
        "input { name: 'i' data_type: TYPE_FP32 dims: [ 1, 2, 3 ] format: FORMAT_NCHW }",
        "dynamic_batching { priority_levels: 2 default_priority_level: 2"
            + " priority_queue_policy { key: 1 value { timeout_action: DELAY } } }",
        "sequence_batching { direct { minimum_slot_utilization: 1 } control_input { name: 'c'"
            + " control { kind: CONTROL_SEQUENCE_START int32_false_true: [ 0, 1 ] } } }",
        CONTROL + "CONTROL_SEQUENCE_CORRID data_type: TYPE_STRING } } }",
        STATE + "initial_state { name: 's' data_type: TYPE_FP32 dims: 4 zero_data: true } } }",
        "batch_input { kind: BATCH_ELEMENT_COUNT target_name: 't' data_type: TYPE_FP32"
            + " source_input: 'x' } batch_output { target_name: 'y' source_input: 'x' }",
        "model_warmup { name: 'w' batch_size: 8 inputs { key: 'x' value { data_type: TYPE_FP32"
            + " dims: [ 3, 4 ] random_data: true } } }",
        "instance_group { kind: KIND_GPU gpus: 9 }",
        "platform: 'onnxruntime_onnx'",
        "version_policy { specific { versions: [ 1, 3 ] } }",
      })
  void whatIsAllowedIsNoProblem(String more) {
    assertThat(ConfigValidator.problems(parse(MODEL + more))).isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "input { name: 'x' data_type: TYPE_FP32 dims: 1 }|input: 'x' twice",
        "output { data_type: TYPE_FP32 dims: 1 }|output[1].name: '' (expected: a name)",
        "input { name: 'i' dims: 1 }|input 'i'.data_type: TYPE_INVALID",
        "input { name: 'i' dims: 1 data_type: 99 }|input 'i'.data_type: UNRECOGNIZED",
        "input { name: 'i' data_type: TYPE_FP32 }|input 'i'.dims: [] (expected: at least one",
        "output { name: 'o' data_type: TYPE_FP32 dims: 0 }|output 'o'.dims: [0] (expected: each 1",
        "output { name: 'o' data_type: TYPE_FP32 dims: -2 }|output 'o'.dims: [-2] (expected: each",
        "input { name: 'i' data_type: TYPE_FP32 dims: [ 2, 3 ] reshape { shape: 5 } }|input"
            + " 'i'.reshape.shape: [5] (expected: as many elements as dims [2, 3]",
        "input { name: 'i' data_type: TYPE_FP32 dims: [ 2, -1 ] reshape { shape: [ -1, 2 ] } }|with"
            + " the -1 in the same order",
        "input { name: 'i' data_type: TYPE_FP32 dims: [ 2, 3 ] format: FORMAT_NHWC }|three of them",
        "platform: 'tensorrt_plan'|platform: 'tensorrt_plan' with backend 'onnxruntime'",
        "platform: 'onyx'|platform: 'onyx' with backend 'onnxruntime' (expected: a pair of",
        "dynamic_batching { preferred_batch_size: [ 4, 16 ] }|preferred_batch_size: 16 (expected:"
            + " 1 up to max_batch_size, which is 8)",
        "dynamic_batching { preferred_batch_size: 0 }|preferred_batch_size: 0",
        "dynamic_batching { priority_levels: 2 }|default_priority_level: 0 (expected: 1 up to"
            + " priority_levels, which is 2)",
        "dynamic_batching { default_priority_level: 2 }|default_priority_level: 2 (expected: 0",
        "dynamic_batching { priority_levels: 2 default_priority_level: 1 priority_queue_policy {"
            + " key: 3 value { } } }|priority_queue_policy: key 3",
        "dynamic_batching { preserve_ordering: true priority_levels: 2 default_priority_level: 1"
            + " }|priority_levels: 2 (expected: at most 1, since preserve_ordering is true)",
        "dynamic_batching { preserve_ordering: true default_queue_policy { timeout_action: DELAY }"
            + " }|timeout_action: DELAY (expected: REJECT",
        "sequence_batching { direct { minimum_slot_utilization: 1.5 } }|utilization: 1.5"
            + " (expected: 0 to 1)",
        "sequence_batching { oldest { } }|max_candidate_sequences: 0",
        "sequence_batching { oldest { max_candidate_sequences: 1 preferred_batch_size: 9 }"
            + " }|oldest.preferred_batch_size: 9",
        CONTROL
            + "CONTROL_SEQUENCE_START int32_false_true: 1 } } }|lists of [1] values (expected: one",
        CONTROL + "CONTROL_SEQUENCE_END } } }|'c'.CONTROL_SEQUENCE_END: false_true lists of []",
        CONTROL + "CONTROL_SEQUENCE_CORRID data_type: TYPE_FP32 } } }|CORRID.data_type: TYPE_FP32",
        CONTROL
            + "CONTROL_SEQUENCE_END fp32_false_true: [ 0, 1 ] }, control { kind:"
            + " CONTROL_SEQUENCE_END fp32_false_true: [ 0, 1 ] } } }|each kind once",
        "sequence_batching { control_input { } }|control_input[0].name: ''",
        STATE + "initial_state { } } }|state 'a'.initial_state.name: ''",
        STATE + "initial_state { dims: 4 } } }|state 'a'.initial_state: no data",
        STATE + "initial_state { dims: [ 4, 5 ] } } }|initial_state.dims: [4, 5] (expected: [-1]",
        "sequence_batching { state { } }|state[0].output_name: ''",
        "batch_input { target_name: 'x' data_type: TYPE_FP32 source_input: 'x'"
            + " }|batch_input[0].target_name: 'x'",
        "batch_input { target_name: 't' data_type: TYPE_INT64 source_input: 'x'"
            + " }|batch_input[0].data_type: TYPE_INT64 (expected: TYPE_INT32 or TYPE_FP32)",
        "batch_input { target_name: 't' data_type: TYPE_FP32 source_input: [ 'x', 'x' ]"
            + " }|batch_input[0].source_input: [x, x] (expected: exactly one, of [x])",
        "batch_output { target_name: 'y' source_input: 'z' }|batch_output[0].source_input: [z]",
        "batch_output { target_name: 'z' source_input: 'x' }|batch_output[0].target_name: [z]",
        "instance_group { kind: KIND_CPU gpus: 0 }|instance_group[0].gpus: [0] (expected: none",
        "instance_group { kind: KIND_GPU gpus: -1 }|instance_group[0].gpus: [-1]",
        "instance_group { name: 'g' count: -1 }|instance_group 'g'.count: -1",
        "instance_group { passive: true }|instance_group: all passive",
        "instance_group { count: 2000000000 }|instance_group: 2000000000 instances (expected: at most 1024)",
        "instance_group { count: 1024 } instance_group { }|instance_group: 1025 instances",
        "response_cache { enable: true } sequence_batching { }|response_cache.enable: true",
        "response_cache { enable: true } model_transaction_policy { decoupled: true"
            + " }|response_cache.enable: true (expected: false with a decoupled",
        "version_policy { latest { } }|version_policy.latest.num_versions: 0",
        "version_policy { specific { } }|version_policy.specific.versions: []",
        "version_policy { specific { versions: 0 } }|version_policy.specific.versions: [0]",
        "sequence_batching { direct { } } input { name: 'i' data_type: TYPE_FP32 dims: 1 optional:"
            + " true }|input 'i'.optional: true",
        "model_warmup { name: 'w' batch_size: 9 }|model_warmup 'w'.batch_size: 9",
        "model_warmup { inputs { key: 'q' value { dims: 0 } } }|inputs['q']: not an input",
        "model_warmup { inputs { key: 'x' value { dims: 0 } } }|inputs['x'].dims: [0]",
        "model_warmup { inputs { key: 'x' value { } } }|inputs['x']: no data",
        "model_metrics { metric_control { metric_identifier { family: 'f' } histogram_options {"
            + " buckets: [ 2, 1 ] } } }|model_metrics 'f' buckets: [2.0, 1.0]",
        "metric_tags { key: 'a-b' value: 'v' }|metric_tags: 'a-b' (expected: a letter or digit",
        "ensemble_scheduling { }|platform: '' (expected: 'ensemble'",
        "ensemble_scheduling { }|backend: 'onnxruntime' (expected: none",
      })
  void everyRuleNamesFieldValueAndExpectation(String more, String problem) {
    assertThat(ConfigValidator.problems(parse(MODEL + more))).anyMatch(p -> p.contains(problem));
  }

  @Test
  void allProblemsAreToldAtOnce() {
    assertThatThrownBy(() -> ConfigValidator.check(parse("name: 'm' max_batch_size: -1")))
        .isInstanceOf(FaultException.class)
        .hasMessage(
            "model 'm': must specify 'platform' or 'backend' for 'm': neither is given (expected:"
                + " a back end such as 'onnxruntime'); max_batch_size: -1 (expected: 0 or more)");
  }

  @Test
  void aGpuThatIsNotThereIsNamed() {
    ModelConfig config = parse(MODEL + "instance_group { kind: KIND_GPU gpus: 2 }");
    assertThat(ConfigValidator.problems(config, List.of(0, 1)))
        .containsExactly(
            "instance_group[0].gpus: [2] (expected: of the GPUs here, which are [0, 1])");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "|ensemble_scheduling.step: [] (expected: at least one step)",
        "step { input_map { key: 'a' value: 'in' } output_map { key: 'b' value: 'out' }"
            + " }|step[0].model_name: ''",
        "step { model_name: 'e' input_map { key: 'a' value: 'in' } output_map { key: 'b' value:"
            + " 'out' } }|another model than the ensemble itself",
        "step { model_name: 'a' input_map { key: 'a' value: 'in' } }|output 'out': written by no",
        "step { model_name: 'a' output_map { key: 'b' value: 'out' } }|input 'in': mapped to no",
        "step { model_name: 'a' input_map { key: 'a' value: 'q' } output_map { key: 'b' value:"
            + " 'out' } }|input_map['a']: 'q' (expected: an ensemble input or",
        "step { model_name: 'a' input_map { key: 'a' value: 'in' } output_map { key: 'b' value:"
            + " 'in' } }|output_map['b']: 'in' (expected: a tensor that is neither",
        "step { model_name: 'a' model_version: -2 }|model_version: -2",
        "step { model_name: 'a' input_map { key: 'a' value: 't' } output_map { key: 'b' value: 'out'"
            + " } }, step { model_name: 'b' input_map { key: 'a' value: 'out' } output_map { key:"
            + " 'b' value: 't' } }|circular dependency between steps [0, 1]",
      })
  void anEnsembleMustFlow(String steps, String problem) {
    String text =
        """
        name: 'e' platform: 'ensemble'
        input { name: 'in' data_type: TYPE_FP32 dims: 1 }
        output { name: 'out' data_type: TYPE_FP32 dims: 1 }
        ensemble_scheduling { %s }
        """
            .formatted(steps == null ? "" : steps);
    assertThat(ConfigValidator.problems(parse(text))).anyMatch(p -> p.contains(problem));
  }

  @Test
  void anEnsembleHasNothingOfItsOwnToRun() {
    String text =
        "name: 'e' platform: 'ensemble' instance_group { } model_warmup { } optimization { priority:"
            + " PRIORITY_MAX }";
    assertThat(ConfigValidator.problems(parse(text)))
        .anyMatch(p -> p.startsWith("ensemble_scheduling: none"))
        .anyMatch(p -> p.startsWith("instance_group: 1 of them"))
        .anyMatch(p -> p.startsWith("optimization: given"))
        .anyMatch(p -> p.startsWith("model_warmup: 1 of them"));
  }

  private static ModelConfig parse(String text) {
    return ConfigText.parse(text, "x");
  }
}
