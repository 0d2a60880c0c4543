package dev.nereid.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.FaultException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ConfigJsonTest {
  private static final String TEXT =
      """
      name: "m" backend: "b" max_batch_size: 8
      input { name: "x" data_type: TYPE_STRING dims: [ -1, 3 ] }
      dynamic_batching {
        priority_levels: 18446744073709551615
        priority_queue_policy { key: 2 value { timeout_action: DELAY max_queue_size: 4294967295 } }
      }
      instance_group { secondary_devices { device_id: 7 } }
      optimization { cuda { graph_spec { input { key: "x" value { dim: [ 3 ] } } } } }
      parameters { key: "a" value { string_value: "\\"b\\"" } }
      model_metrics { metric_control { histogram_options { buckets: [ 0.5, inf ] } } }
      """;

  @Test
  void defaultsArePrintedAndUnsetBlocksAreNot() {
    assertThat(ConfigJson.print(ModelConfig.newBuilder().setName("m").build()))
        .isEqualTo(
            "{\"name\":\"m\",\"platform\":\"\",\"max_batch_size\":0,\"input\":[],\"output\":[],"
                + "\"instance_group\":[],\"default_model_filename\":\"\","
                + "\"cc_model_filenames\":{},\"metric_tags\":{},\"parameters\":{},"
                + "\"model_warmup\":[],\"backend\":\"\",\"batch_input\":[],\"batch_output\":[],"
                + "\"runtime\":\"\"}");
  }

  @Test
  void wideIntegersAreNumbersButForThreePlaces() {
    String json = ConfigJson.print(ConfigText.parse(TEXT, "x"));
    assertThat(json)
        .contains("\"data_type\":\"TYPE_STRING\"", "\"dims\":[-1,3]")
        .contains("\"priority_levels\":18446744073709551615")
        .contains("\"priority_queue_policy\":{\"2\":{\"timeout_action\":\"DELAY\"")
        .contains("\"max_queue_size\":4294967295")
        .contains("\"device_id\":\"7\"", "\"dim\":[\"3\"]")
        .contains("\"parameters\":{\"a\":{\"string_value\":\"\\\"b\\\"\"}}")
        .contains("\"buckets\":[0.5,\"Infinity\"]");
    String states =
        "sequence_batching { state { dims: 4 initial_state { dims: 4 zero_data: true } }"
            + " direct { minimum_slot_utilization: 0.1 } }";
    assertThat(ConfigJson.print(ConfigText.parse(states, "x")))
        .contains(
            "\"dims\":[4],\"initial_state\":[{\"data_type\":\"TYPE_INVALID\",\"dims\":[\"4\"]")
        .contains("\"zero_data\":true")
        .contains("\"minimum_slot_utilization\":0.1");
  }

  @Test
  void whatIsPrintedIsReadBack() {
    ModelConfig config = ConfigText.parse(TEXT, "x");
    assertThat(ConfigJson.parse(ConfigJson.print(config))).isEqualTo(config);
  }

  @Test
  void readsWhatClientsSend() {
    ModelConfig config =
        ConfigJson.parse(
            """
            {"maxBatchSize": "8", "input": [{"name": "x", "data_type": "type_fp32", "dims": ["3", 4.0]}],
             "dynamic_batching": null, "instance_group": [{"kind": 2}]}
            """);
    assertThat(config.getMaxBatchSize()).isEqualTo(8);
    assertThat(config.getInput(0).getDataType()).isEqualTo(DataType.TYPE_FP32);
    assertThat(config.getInput(0).getDimsList()).containsExactly(3L, 4L);
    assertThat(config.hasDynamicBatching()).isFalse();
    assertThat(config.getInstanceGroup(0).getKind().name()).isEqualTo("KIND_CPU");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{'dynamic_batching':{'max_batch_size':3}}|'max_batch_size' is not a field of"
            + " 'dynamic_batching'; it belongs at the top level of the file",
        "{'nam':3}|did you mean 'name'?",
        "{'name':3}|'name': found 3 (expected: a text in quotes)",
        "{'max_batch_size':true}|'max_batch_size': found true (expected: a whole number)",
        "{'max_batch_size':1e99999999}|(expected: a whole number that fits 32 bits)",
        "{'max_batch_size':1.5}|(expected: a whole number that fits 32 bits)",
        "{'max_batch_size':2147483648}|(expected: a whole number that fits 32 bits)",
        "{'input':{}}|'input': found an object (expected: a list)",
        "{'input':[{'data_type':'FP32'}]}|'input.data_type': found \"FP32\" (expected: one of"
            + " TYPE_BOOL",
        "{'parameters':[]}|'parameters': found a list (expected: an object)",
        "{'dynamic_batching':{},'sequence_batching':{}}|'sequence_batching': given beside"
            + " 'dynamic_batching'",
        "{'name':'a','name':'b'}|not valid JSON at line 1",
        "{'name':|not valid JSON at line 1",
        "[]|found a list (expected: an object)",
        "{} {}|text after the object",
        "``|found the end of the text (expected: an object)",
      })
  void refusesWhatTheSchemaDoesNotKnow(String json, String explanation) {
    assertThatThrownBy(() -> ConfigJson.parse(json.replace('\'', '"')))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining(explanation);
  }

  /** A configuration given with a load comes over the network. */
  @Test
  void damageIsRefusedInWords() {
    String json = ConfigJson.print(ConfigText.parse(TEXT, "x"));
    Random random = new Random(31);
    for (int i = 0; i < 2_000; i++) {
      StringBuilder damaged = new StringBuilder(json);
      int at = random.nextInt(json.length());
      switch (random.nextInt(4)) {
        case 0 -> damaged.setLength(at);
        case 1 -> damaged.deleteCharAt(at);
        case 2 -> damaged.insert(at, "{}[]\",:\\-9e".charAt(random.nextInt(11)));
        default -> damaged.insert(at, json, at / 2, Math.min(json.length(), at / 2 + 9));
      }
      try {
        ConfigValidator.problems(ConfigJson.parse(damaged.toString()));
      } catch (FaultException e) {
        assertThat(e).message().isNotEmpty();
      }
    }
  }

  @Test
  void nestingWithoutEndIsRefused() {
    for (String deep : List.of("{\"input\":[", "[", "{\"a\":")) {
      assertThatThrownBy(() -> ConfigJson.parse(deep.repeat(50_000)))
          .isInstanceOf(FaultException.class);
    }
  }
}
