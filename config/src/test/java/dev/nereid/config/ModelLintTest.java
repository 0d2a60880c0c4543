package dev.nereid.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.config.proto.ModelConfig;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ModelLintTest {
  private static final String TENSORS =
      " input { name: 'x' dims: [ 3, 4 ] } output { name: 'y' dims: 10 } ";

  @Test
  void aPlainBatchingModelNeedsNoWarning() {
    assertThat(lint("max_batch_size: 8 dynamic_batching { }" + TENSORS)).isEmpty();
    assertThat(lint("platform: 'ensemble' ensemble_scheduling { } max_batch_size: 8" + TENSORS))
        .isEmpty();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "input { name: 'x' dims: [ -1, 3 ] } output { name: 'y' dims: -1 }|max_batch_size: 0,"
            + " though every tensor's first dimension is free",
        "input { name: 'x' dims: [ 1, 3 ] } output { name: 'y' dims: [ 1, 2 ] }|fixed to 1",
        "max_batch_size: 8 dynamic_batching { } input { name: 'x' dims: [ -1, 3 ] } output { name:"
            + " 'y' dims: [ -1, 3 ] }|it is there twice",
        "max_batch_size: 8 dynamic_batching { } input { name: 'x' dims: [ 3, -1 ] }|input 'x'.dims:"
            + " [3, -1] are free, so only requests of equal shape share a batch",
        "max_batch_size: 8 dynamic_batching { } input { name: 'x' dims: 3 optional: true }|input"
            + " 'x'.optional",
        "input { name: 'x' dims: -1 allow_ragged_batch: true }|allow_ragged_batch: no effect, since"
            + " max_batch_size is 0",
        "max_batch_size: 8 input { name: 'x' dims: 3 allow_ragged_batch: true }|since its dims are"
            + " fixed",
        "output { name: 'y' dims: -1 label_filename: 'l' }|output 'y'.label_filename: dims [-1]",
        "max_batch_size: 8|without dynamic_batching { }",
        "max_batch_size: 1 dynamic_batching { }|no batch can form, since max_batch_size is 1",
        "dynamic_batching { }|no batch can form, since max_batch_size is 0",
        "max_batch_size: 8 dynamic_batching { preferred_batch_size: 4 }|preferred_batch_size: [4],"
            + " but max_queue_delay_microseconds is 0",
        "dynamic_batching { max_queue_delay_microseconds: 100000 }|waits that long",
        "dynamic_batching { max_queue_delay_microseconds: 500 default_queue_policy {"
            + " default_timeout_microseconds: 500 } }|so that requests expire",
        "dynamic_batching { preferred_batch_size: 8 priority_queue_policy { key: 1 value {"
            + " max_queue_size: 4 } } }|priority_queue_policy[1].max_queue_size is 4",
        "dynamic_batching { default_queue_policy { allow_timeout_override: true } }|no effect while",
        "instance_group { kind: KIND_CPU count: 5 }|5 instances on the CPU, but the server has 4",
        "instance_group { kind: KIND_CPU count: 2 } parameters { key: 'intra_op_thread_count' value"
            + " { string_value: '3' } }|2 instances of 3 threads each, but the server has 4",
        "max_batch_size: 8|output: none",
        "input { name: 'x' dims: [ 4, 3 ] } output { name: 'y' dims: [ 4, 2 ] }|fixed to 4; if that",
        "max_batch_size: 8 dynamic_batching { default_queue_policy { max_queue_size: 4 } }|"
            + "max_queue_size: 4 is below max_batch_size, 8",
        "max_batch_size: 8 dynamic_batching { } input { name: 'x' dims: 2 is_shape_tensor: true }|"
            + "input 'x'.is_shape_tensor: only requests that give it the same values",
        "max_batch_size: 8 dynamic_batching { } instance_group { kind: KIND_CPU count: 2 }|"
            + "instance_group: 2 instances, and max_queue_delay_microseconds is 0",
      })
  void whatSurprisesIsSaid(String text, String warning) {
    assertThat(lint(text)).anyMatch(w -> w.contains(warning));
  }

  @Test
  void whatNobodyWroteIsNotHeldAgainstAnybody() {
    String written = "max_batch_size: 8 dynamic_batching { }" + TENSORS;
    ModelConfig complete = parsed(written + "instance_group { kind: KIND_CPU count: 4 }");
    assertThat(ModelLint.warnings(complete, parsed(written), 4)).isEmpty();
    assertThat(lint(written + "instance_group { kind: KIND_CPU count: 1 }")).isEmpty();
    String waiting = "max_batch_size: 8 dynamic_batching { max_queue_delay_microseconds: 500 }";
    assertThat(lint(waiting + TENSORS + "instance_group { kind: KIND_CPU count: 4 }")).isEmpty();
  }

  private static ModelConfig parsed(String text) {
    return ConfigText.parse("name: 'm' " + text, "x");
  }

  private static List<String> lint(String text) {
    return ModelLint.warnings(parsed(text), parsed(text), 4);
  }
}
