package dev.nereid.backend.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.config.proto.ModelSequenceBatching;
import dev.nereid.core.FaultException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class OnnxCompletionTest extends OnnxFixture {
  private static final dev.nereid.core.DataType FP32 = dev.nereid.core.DataType.FP32;

  private static TinyOnnx mlp(Object batch) {
    return new TinyOnnx()
        .input("x", FP32, batch, 2)
        .output("y", FP32, batch, 3)
        .floats("weights", new long[] {2, 3}, 1, 2, 3, 4, 5, 6)
        .node("MatMul", List.of("x", "weights"), List.of("y"));
  }

  @Test
  void aFreeFirstDimensionMakesAModelBatch() {
    ModelConfig config = complete(mlp("batch"), named("mlp"));
    assertThat(config.getMaxBatchSize()).isEqualTo(4);
    assertThat(config.hasDynamicBatching()).isTrue();
    assertThat(config.getInputList())
        .containsExactly(
            ModelInput.newBuilder()
                .setName("x")
                .setDataType(DataType.TYPE_FP32)
                .addDims(2)
                .build());
    assertThat(config.getOutputList())
        .containsExactly(
            ModelOutput.newBuilder()
                .setName("y")
                .setDataType(DataType.TYPE_FP32)
                .addDims(3)
                .build());
  }

  @Test
  void theServersOptionSetsTheBatchSize() {
    ModelConfig config =
        provider.complete(
            named("mlp").build(), files(mlp("batch")), Map.of("default-max-batch-size", "16"));
    assertThat(config.getMaxBatchSize()).isEqualTo(16);
    ModelConfig one =
        provider.complete(
            named("mlp").build(), files(mlp("batch")), Map.of("default-max-batch-size", "1"));
    assertThat(one.hasDynamicBatching()).isFalse();
    assertThatThrownBy(
            () ->
                provider.complete(
                    named("mlp").build(),
                    files(mlp("batch")),
                    Map.of("default-max-batch-size", "many")))
        .hasMessage(
            "--backend-config=onnxruntime,default-max-batch-size=many (expected: a whole number)");
  }

  @Test
  void aFixedFirstDimensionStaysInDims() {
    ModelConfig config = complete(mlp(1), named("mlp"));
    assertThat(config.getMaxBatchSize()).isZero();
    assertThat(config.hasDynamicBatching()).isFalse();
    assertThat(config.getInput(0).getDimsList()).containsExactly(1L, 2L);
    assertThat(config.getOutput(0).getDimsList()).containsExactly(1L, 3L);
  }

  @Test
  void aBatchSizeForAModelThatDoesNotBatchIsRefused() {
    assertThatThrownBy(() -> complete(mlp(1), named("mlp").setMaxBatchSize(8)))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining(
            "autofill failed for model 'mlp': model does not support batching while non-zero"
                + " max_batch_size is specified")
        .hasMessageContaining("input x FP32 [1,2]");
  }

  @Test
  void whatTheUserWroteStays() {
    ModelConfig.Builder declared =
        named("mlp")
            .setMaxBatchSize(32)
            .setSequenceBatching(ModelSequenceBatching.getDefaultInstance())
            .addInput(ModelInput.newBuilder().setName("x").addDims(7));
    ModelConfig config = complete(mlp("batch"), declared);
    assertThat(config.getMaxBatchSize()).isEqualTo(32);
    assertThat(config.hasSequenceBatching()).isTrue();
    assertThat(config.getInput(0).getDimsList()).containsExactly(7L);
    assertThat(config.getInput(0).getDataType()).isEqualTo(DataType.TYPE_FP32);
    assertThat(config.getOutput(0).getName()).isEqualTo("y");
  }

  @Test
  void aWholeConfigurationIsNotTouchedNorTheFileRead() {
    ModelConfig declared =
        named("mlp")
            .addInput(
                ModelInput.newBuilder().setName("x").setDataType(DataType.TYPE_FP32).addDims(2))
            .addOutput(
                ModelOutput.newBuilder().setName("y").setDataType(DataType.TYPE_FP32).addDims(3))
            .build();
    assertThat(provider.complete(declared, files(mlp("batch")), Map.of())).isSameAs(declared);
  }

  @Test
  void dimsWithTheBatchDimensionInThemMeanNoBatching() {
    ModelConfig.Builder declared =
        named("mlp").addInput(ModelInput.newBuilder().setName("x").addDims(-1).addDims(2));
    ModelConfig config = complete(mlp("batch"), declared);
    assertThat(config.getMaxBatchSize()).isZero();
    assertThat(config.getOutput(0).getDimsList()).containsExactly(-1L, 3L);
  }

  @Test
  void aScalarPerRowGetsOneDimensionAndAnEmptyReshape() {
    ModelConfig config = complete(TinyOnnx.identity(FP32, "batch"), named("scalar"));
    assertThat(config.getInput(0).getDimsList()).containsExactly(1L);
    assertThat(config.getInput(0).hasReshape()).isTrue();
    assertThat(config.getInput(0).getReshape().getShapeList()).isEmpty();
    assertThat(config.getOutput(0).hasReshape()).isTrue();
  }

  @Test
  void aNameThatTheGraphHasNotIsRefused() {
    ModelConfig.Builder declared = named("mlp").addInput(ModelInput.newBuilder().setName("z"));
    assertThatThrownBy(() -> complete(mlp("batch"), declared))
        .hasMessage("unexpected inference input 'z', allowed inputs are: x");
  }

  @Test
  void anOutputWithoutAShapeIsAskedOfTheRuntime() {
    TinyOnnx onnx =
        new TinyOnnx()
            .input("x", FP32, "batch", 2)
            .output("y")
            .floats("weights", new long[] {2, 3}, 1, 2, 3, 4, 5, 6)
            .node("MatMul", List.of("x", "weights"), List.of("y"));
    ModelConfig config = complete(onnx, named("mlp"));
    assertThat(config.getOutput(0).getDataType()).isEqualTo(DataType.TYPE_FP32);
    assertThat(config.getOutput(0).getDimsList()).containsExactly(3L);
  }
}
