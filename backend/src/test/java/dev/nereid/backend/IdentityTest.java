package dev.nereid.backend;

import static dev.nereid.backend.TestTensors.request;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

final class IdentityTest extends BackendContract {
  static ModelConfig echo(String backend, DataType type, long width) {
    return ModelConfig.newBuilder()
        .setName("echo")
        .setBackend(backend)
        .setMaxBatchSize(8)
        .addInput(ModelInput.newBuilder().setName("INPUT0").setDataType(type).addDims(width))
        .addOutput(ModelOutput.newBuilder().setName("OUTPUT0").setDataType(type).addDims(width))
        .build();
  }

  @Override
  protected BackendProvider provider() {
    return new IdentityProvider();
  }

  @Override
  protected ModelConfig numbers() {
    return echo("identity", DataType.TYPE_FP32, 4);
  }

  @Override
  protected ModelConfig texts() {
    return echo("identity", DataType.TYPE_STRING, 2);
  }

  @Override
  protected ModelFiles files(ModelConfig config) {
    return new ModelFiles(Path.of("echo"), Path.of("echo", "1"));
  }

  @Override
  protected boolean checksTypes() {
    return false;
  }

  @Test
  void anOutputLiesInTheBlockOfItsInput() {
    try (Model model = open(numbers());
        Instance instance = model.newInstance(new Placement("group", 0, -1));
        var reply = new RecordingReply()) {
      Tensor input = tensors.floats("INPUT0", Shape.of(1, 4), 1, 2, 3, 4);
      try (var kept = input.lease().share()) {
        runner.run(instance, request(reply, input));
        assertThat(reply.response().output("OUTPUT0").lease().sameBlock(kept)).isTrue();
      }
    }
  }

  @Test
  void pairsInputsAndOutputsByNameElseByOrder() {
    ModelConfig config =
        ModelConfig.newBuilder()
            .addInput(ModelInput.newBuilder().setName("INPUT1"))
            .addInput(ModelInput.newBuilder().setName("INPUT0"))
            .addInput(ModelInput.newBuilder().setName("image"))
            .addOutput(ModelOutput.newBuilder().setName("OUTPUT0"))
            .addOutput(ModelOutput.newBuilder().setName("OUTPUT1"))
            .addOutput(ModelOutput.newBuilder().setName("copy"))
            .build();
    assertThat(IdentityProvider.pairs(config))
        .containsExactly(
            new IdentityProvider.Pair("INPUT0", "OUTPUT0", false),
            new IdentityProvider.Pair("INPUT1", "OUTPUT1", false),
            new IdentityProvider.Pair("image", "copy", false));
  }
}
