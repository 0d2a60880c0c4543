package dev.nereid.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class ModelSpecTest {
  @Test
  void showsAModelAsRequestsSeeIt() {
    ModelSpec spec =
        spec(
            """
            name: 'm' platform: 'onnxruntime_onnx' backend: 'onnxruntime' max_batch_size: 8
            input [ { name: 'a' data_type: TYPE_FP32 dims: [ 3, -1 ] allow_ragged_batch: true },
                    { name: 'b' data_type: TYPE_STRING dims: 1 reshape { } optional: true } ]
            output { name: 'y' data_type: TYPE_BF16 dims: 10 label_filename: 'labels.txt' }
            model_transaction_policy { decoupled: true }
            """);
    assertThat(spec.name()).isEqualTo("m");
    assertThat(spec.platform()).isEqualTo("onnxruntime_onnx");
    assertThat(spec.maxBatchSize()).isEqualTo(8);
    assertThat(spec.requiredInputs()).isEqualTo(1);
    assertThat(spec.decoupled()).isTrue();
    assertThat(spec.isEnsemble()).isFalse();
    assertThat(spec.labelFiles()).isEqualTo(Map.of("y", "labels.txt"));
    assertThat(spec.input("a"))
        .isEqualTo(
            new TensorSpec(
                "a",
                DataType.FP32,
                Shape.of(3, -1),
                Shape.of(-1, 3, -1),
                null,
                false,
                true,
                false,
                ""));
    assertThat(spec.inputs().get(1).modelDims()).isEqualTo(Shape.SCALAR);
    assertThat(spec.inputs().get(1).optional()).isTrue();
    assertThat(spec.output("y")).isEqualTo(spec.outputs().getFirst());
    assertThat(spec.input("y")).isNull();
    assertThat(spec.output("a")).isNull();
  }

  @Test
  void withoutBatchDimensionDimsAreTheWholeShape() {
    ModelSpec spec =
        spec("backend: 'python' input { name: 'a' data_type: TYPE_INT8 dims: [ 2, 3 ] }");
    assertThat(spec.platform()).isEqualTo("python");
    assertThat(spec.batching()).isFalse();
    assertThat(spec.inputs().getFirst().wireShape()).isEqualTo(Shape.of(2, 3));
  }

  @Test
  void anEnsembleIsKnownByItsScheduler() {
    assertThat(spec("ensemble_scheduling { }").isEnsemble()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(DataType.class)
  void everyElementTypeHasAConfigurationName(DataType type) {
    assertThat(TensorSpec.coreType(TensorSpec.configType(type))).isEqualTo(type);
  }

  @Test
  void refusesATensorWithoutType() {
    assertThatIllegalArgumentException().isThrownBy(() -> spec("input { name: 'a' dims: 1 }"));
  }

  private static ModelSpec spec(String text) {
    return ModelSpec.of(ConfigText.parse(text, "x"));
  }
}
