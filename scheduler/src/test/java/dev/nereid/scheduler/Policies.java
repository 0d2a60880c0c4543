package dev.nereid.scheduler;

import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import java.util.function.UnaryOperator;

/** Configurations for tests. */
final class Policies {
  private Policies() {}

  /** A model of one FP32 input and output of so many elements. */
  static ModelConfig model(
      int maxBatch, long dim, UnaryOperator<ModelDynamicBatching.Builder> batching) {
    return ModelConfig.newBuilder()
        .setName("m")
        .setMaxBatchSize(maxBatch)
        .addInput(
            ModelInput.newBuilder()
                .setName("INPUT0")
                .setDataType(DataType.TYPE_FP32)
                .addDims(dim)
                .build())
        .addOutput(
            ModelOutput.newBuilder()
                .setName("OUTPUT0")
                .setDataType(DataType.TYPE_FP32)
                .addDims(dim)
                .build())
        .setDynamicBatching(batching.apply(ModelDynamicBatching.newBuilder()))
        .build();
  }
}
