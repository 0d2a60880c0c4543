package dev.nereid.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ConfigTextTest {
  @Test
  void readsEveryWayOfWritingAList() {
    ModelConfig config =
        ConfigText.parse(
            """
            # a comment
            name: 'm'; max_batch_size: 0x10, backend: "onnx" "runtime"
            input [ { name: "a" data_type: TYPE_FP32 dims: [ 3, -1 ] }, { name: "b" } ]
            input { name: "c", dims: 1 dims: 2 } # at the end
            input: < name: "d" >
            parameters: { key: "k" value: { string_value: "v" } }
            """,
            "config.pbtxt");
    assertThat(config.getMaxBatchSize()).isEqualTo(16);
    assertThat(config.getBackend()).isEqualTo("onnxruntime");
    assertThat(config.getInputList())
        .extracting(i -> i.getName())
        .containsExactly("a", "b", "c", "d");
    assertThat(config.getInput(0).getDimsList()).containsExactly(3L, -1L);
    assertThat(config.getInput(0).getDataType()).isEqualTo(DataType.TYPE_FP32);
    assertThat(config.getInput(2).getDimsList()).containsExactly(1L, 2L);
    assertThat(config.getParametersOrThrow("k").getStringValue()).isEqualTo("v");
  }

  @Test
  void whatIsPrintedIsReadBack() {
    ModelConfig config =
        ModelConfig.newBuilder().setName("größe \"1\"\n").setMaxBatchSize(3).build();
    String text = ConfigText.print(config);
    assertThat(text).contains("größe");
    assertThat(ConfigText.parse(text, "x")).isEqualTo(config);
  }

  @Test
  void aByteOrderMarkIsNotContent() {
    assertThat(ConfigText.parse("\uFEFFname: \"m\"", "x").getName()).isEqualTo("m");
  }

  @Test
  void aFieldOfAnotherBlockIsSentToItsPlace() {
    assertRefused(
        "name: \"x\"\ndynamic_batching {\n  preferred_batch_size: [ 4, 8 ]\n  max_batch_size: 16\n}",
        "failed to read text proto from m/config.pbtxt:4:3: 'max_batch_size' is not a field of"
            + " 'dynamic_batching'; it belongs at the top level of the file");
  }

  @Test
  void everyUnknownFieldIsNamedAtOnce() {
    assertRefused(
        "nam: \"x\"\noptimization { cuda { grafs: true } }",
        "failed to read text proto from m/config.pbtxt:1:1: 'nam' is not a field of the top level;"
            + " did you mean 'name'?; m/config.pbtxt:2:23: 'grafs' is not a field of"
            + " 'optimization.cuda'; did you mean 'graphs'?");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "preferred_batch_size: 4|1:1|'preferred_batch_size' is not a field of the top level; it"
            + " belongs in 'dynamic_batching' or in 'sequence_batching.oldest'",
        "input [ { nme: 'a' } ]|1:11|did you mean 'name'?",
        "response_cache { xyz: 1 }|1:18|'xyz' is not a field of 'response_cache'; expected one of"
            + " enable",
        "input [ { data_type: TYPE_FLOAT } ]|1:22|'data_type' in 'input': found TYPE_FLOAT"
            + " (expected: one of TYPE_BOOL, ",
        "instance_group { kind: GPU }|1:24|(expected: one of KIND_AUTO, KIND_GPU, KIND_CPU,"
            + " KIND_MODEL)",
        "input { dims: [ 1 2 ] }|1:19|'dims': found 2 (expected: ',' between two elements of the"
            + " list, or ']' after the last)",
        "input [ { name: 'a' } { name: 'b' } ]|1:23|'input': found { (expected: ','",
        "max_batch_size: '8'|1:17|'max_batch_size': found '8' (expected: a whole number)",
        "max_batch_size: 8.5|1:17|found 8.5 (expected: a whole number)",
        "max_batch_size: 99999999999|1:17|(expected: a whole number that fits 32 bits)",
        "dynamic_batching { max_queue_delay_microseconds: -1 }|1:50|(expected: a whole number, not"
            + " negative)",
        "dynamic_batching { preserve_ordering: yes }|1:39|found yes (expected: true or false)",
        "dynamic_batching: 3|1:19|'dynamic_batching': found 3 (expected: a block { } with"
            + " preferred_batch_size, ",
        "name: foo|1:7|'name': found foo (expected: a text in quotes)",
        "name: 'foo|1:7|(expected: a text in quotes whose closing quote is on its line)",
        "name 'foo'|1:6|Expected \":\". Found 'foo' after 'name'",
        "dynamic_batching {|1:19|Expected \"}\". Found the end of the text in 'dynamic_batching'",
        "dynamic_batching { } }|1:22|Found '}'",
        "name: 'a' name: 'b'|1:15|'name' is given twice (expected: once)",
        "dynamic_batching { } sequence_batching { }|1:22|'sequence_batching' is given beside"
            + " 'dynamic_batching' (expected: at most one of them)",
        "[a.b]: 3|1:4|'[a.b]' is not a field",
        "parameters { key: 'a' value: 'b' }|1:30|'value' in 'parameters': found 'b' (expected: a"
            + " block { } with string_value)",
      })
  void aSlipIsExplainedWhereItIs(String text, String place, String explanation) {
    assertThatThrownBy(() -> ConfigText.parse(text, "f"))
        .isInstanceOf(FaultException.class)
        .message()
        .startsWith("failed to read text proto from f:" + place + ": ")
        .contains(explanation);
  }

  private static void assertRefused(String text, String message) {
    assertThatThrownBy(() -> ConfigText.parse(text, "m/config.pbtxt"))
        .isInstanceOf(FaultException.class)
        .hasMessage(message)
        .extracting(e -> ((FaultException) e).failure().fault())
        .isEqualTo(Fault.INVALID_ARGUMENT);
  }
}
