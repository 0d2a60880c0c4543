package dev.nereid.backend.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import dev.nereid.backend.ModelFiles;
import dev.nereid.backend.Placement;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelInstanceGroup;
import dev.nereid.config.proto.ModelOptimizationPolicy;
import dev.nereid.config.proto.ModelOptimizationPolicy.ExecutionAccelerators;
import dev.nereid.config.proto.ModelOptimizationPolicy.ExecutionAccelerators.Accelerator;
import dev.nereid.config.proto.ModelOptimizationPolicy.Graph;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.config.proto.ModelParameter;
import dev.nereid.core.FaultException;
import dev.nereid.core.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class OnnxLoadTest extends OnnxFixture {
  private static final dev.nereid.core.DataType FP32 = dev.nereid.core.DataType.FP32;

  private static ModelInput.Builder input(DataType type, long... dims) {
    ModelInput.Builder input = ModelInput.newBuilder().setName("INPUT0").setDataType(type);
    for (long dim : dims) {
      input.addDims(dim);
    }
    return input;
  }

  private void assertRefused(TinyOnnx onnx, ModelConfig.Builder declared, String... fragments) {
    assertThatThrownBy(() -> model(onnx, declared))
        .isInstanceOf(FaultException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(fragments));
  }

  private static ModelParameter text(String value) {
    return ModelParameter.newBuilder().setStringValue(value).build();
  }

  @Test
  void aWrongRankIsToldWithTheDimsToWrite() {
    assertRefused(
        TinyOnnx.identity(FP32, "batch", 4),
        named("m").setMaxBatchSize(8).addInput(input(DataType.TYPE_FP32, 1, 4)),
        "model 'm', tensor 'INPUT0': the model expects 2 dimensions (shape [-1,4]) but the model"
            + " configuration specifies 3 dimensions (with the batch dimension of max_batch_size >"
            + " 0, shape [-1,1,4]); write dims: [4]");
  }

  @Test
  void aWrongDimensionIsToldWithTheDimsToWrite() {
    assertRefused(
        TinyOnnx.identity(FP32, 2, 4),
        named("m").addInput(input(DataType.TYPE_FP32, 2, 5)),
        "model 'm', tensor 'INPUT0': the model expects shape [2,4] but the model configuration"
            + " specifies shape [2,5]; write dims: [2,4]");
  }

  @Test
  void batchingNeedsAFreeFirstDimension() {
    assertRefused(
        TinyOnnx.identity(FP32, 1, 4),
        named("m")
            .setMaxBatchSize(8)
            .addInput(input(DataType.TYPE_FP32, 4))
            .addOutput(
                ModelOutput.newBuilder()
                    .setName("OUTPUT0")
                    .setDataType(DataType.TYPE_FP32)
                    .addDims(4)),
        "the first dimension must be free; but the model expects shape [1,4]",
        "max_batch_size: 0");
  }

  @Test
  void aWrongTypeIsTold() {
    assertRefused(
        TinyOnnx.identity(FP32, "batch", 4),
        named("m").setMaxBatchSize(8).addInput(input(DataType.TYPE_INT32, 4)),
        "unexpected datatype TYPE_FP32 for inference input 'INPUT0', expecting TYPE_INT32");
  }

  @Test
  void anInputThatNobodyFeedsIsTold() {
    TinyOnnx two = TinyOnnx.identity(FP32, 4).input("other", FP32, 1).output("other_out", FP32, 1);
    two.node("Identity", List.of("other"), List.of("other_out"));
    assertRefused(
        two,
        named("m").addInput(input(DataType.TYPE_FP32, 4)),
        "configuration expects 1 inputs, model provides 2: nothing feeds other FP32 [1]");
  }

  @Test
  void aFileThatIsMissingOrNoModelIsTold() throws IOException {
    ModelFiles nowhere = new ModelFiles(directory, directory.resolve("1"));
    assertThatThrownBy(() -> provider.complete(named("m").build(), nowhere, Map.of()))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("missing (expected: an ONNX model)");
    Path version = Files.createDirectories(directory.resolve("1"));
    Files.writeString(version.resolve("model.onnx"), "this is not a model");
    assertThatThrownBy(() -> provider.complete(named("m").build(), nowhere, Map.of()))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("(expected: an ONNX model)");
  }

  @Test
  void aModelMayBeADirectory() throws IOException {
    Path version = Files.createDirectories(directory.resolve("m/1"));
    Path inner = Files.createDirectories(version.resolve("model.onnx"));
    Files.write(inner.resolve("model.onnx"), TinyOnnx.identity(FP32, 4).bytes());
    ModelFiles files = new ModelFiles(directory.resolve("m"), version);
    ModelConfig config = provider.complete(named("m").build(), files, Map.of());
    assertThat(config.getInput(0).getDimsList()).containsExactly(4L);
    provider.open(new ModelContext(config, 1, files, Map.of(), pool, 1)).close();
  }

  @Test
  void aGpuIsRefusedWithARemedy() {
    ModelInstanceGroup gpu =
        ModelInstanceGroup.newBuilder()
            .setName("g")
            .setKind(ModelInstanceGroup.Kind.KIND_GPU)
            .build();
    assertRefused(
        TinyOnnx.identity(FP32, 4),
        named("m").addInstanceGroup(gpu),
        "instance_group 'g': KIND_GPU",
        "--gpu-unavailable=cpu");
    try (Model model = model(TinyOnnx.identity(FP32, 4), named("m"))) {
      assertThatThrownBy(() -> model.newInstance(new Placement("g", 0, 0)))
          .isInstanceOf(FaultException.class);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "tensorrt, gpu, Execution Accelerator 'tensorrt' is requested",
    "cuda, gpu, Execution Accelerator 'cuda' is requested",
    "openvino, cpu, Execution Accelerator 'openvino' is requested",
    "openvino, gpu, unknown Execution Accelerator 'openvino' is requested",
    "warp, cpu, unknown Execution Accelerator 'warp' is requested"
  })
  void acceleratorsAreKnownAndRefused(String name, String list, String message) {
    Accelerator accelerator = Accelerator.newBuilder().setName(name).build();
    ExecutionAccelerators.Builder asked = ExecutionAccelerators.newBuilder();
    if (list.equals("gpu")) {
      asked.addGpuExecutionAccelerator(accelerator);
    } else {
      asked.addCpuExecutionAccelerator(accelerator);
    }
    assertRefused(
        TinyOnnx.identity(FP32, 4),
        named("m")
            .setOptimization(ModelOptimizationPolicy.newBuilder().setExecutionAccelerators(asked)),
        message);
  }

  @ParameterizedTest
  @CsvSource({
    "intra_op_thread_count, many",
    "intra_op_thread_count, -1",
    "execution_mode, 2",
    "enable_mem_arena, 2"
  })
  void aParameterOutOfRangeIsTold(String key, String value) {
    assertRefused(
        TinyOnnx.identity(FP32, 4),
        named("m").putParameters(key, text(value)),
        "parameters." + key + ": '" + value + "' (expected: a whole number from 0");
  }

  @ParameterizedTest
  @CsvSource({"-1", "0", "1", "2"})
  void everyGraphLevelAndSessionParameterIsTaken(int level) {
    ModelConfig.Builder declared =
        named("m")
            .setOptimization(
                ModelOptimizationPolicy.newBuilder().setGraph(Graph.newBuilder().setLevel(level)))
            .putParameters("execution_mode", text("1"))
            .putParameters("inter_op_thread_count", text("2"))
            .putParameters("enable_mem_arena", text("1"))
            .putParameters("enable_mem_pattern", text("0"))
            .putParameters("memory.enable_memory_arena_shrinkage", text("cpu:0;gpu:0"))
            .putParameters("session.use_device_allocator_for_initializers", text("1"));
    var instance = instance(TinyOnnx.twice(FP32, 1), declared);
    var reply = run(instance, tensors.floats("INPUT0", Shape.of(1), 4));
    assertThat(TestTensors.floatsOf(reply.response().output("OUTPUT0"))).containsExactly(8);
  }

  @Test
  void anUnknownGraphLevelIsRefused() {
    assertRefused(
        TinyOnnx.identity(FP32, 4),
        named("m")
            .setOptimization(
                ModelOptimizationPolicy.newBuilder().setGraph(Graph.newBuilder().setLevel(7))),
        "optimization.graph.level: 7 (expected: -1 basic, 0 all, 1 extended, 2 none)");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 1, 8, 8",
    "0, 8, 8, 1",
    "0, 2, 8, 7",
    "0, 3, 8, 4",
    "0, 16, 8, 1",
    "1, 4, 8, 1",
    "4, 1, 8, 4",
    "4, 2, 8, 7"
  })
  void threadsOfASharedSessionFillTheCores(int configured, int instances, int cores, int threads) {
    assertThat(SessionSettings.intraThreads(configured, instances, cores)).isEqualTo(threads);
  }

  @Test
  void theSummarySaysWhatWasChosen() {
    ModelInstanceGroup two = ModelInstanceGroup.newBuilder().setCount(2).build();
    try (Model model = model(TinyOnnx.identity(FP32, 4), named("m").addInstanceGroup(two))) {
      assertThat(model.summary()).isEqualTo("2 instances on one session, 2 threads, spinning off");
    }
    try (Model model = model(TinyOnnx.identity(FP32, 4), named("m"))) {
      assertThat(model.summary()).isEqualTo("1 instance on one session, 2 threads, spinning off");
    }
  }

  @Test
  void describesItself() {
    assertThat(provider.platforms()).containsExactly("onnxruntime_onnx");
    assertThat(provider.defaultModelFilename()).isEqualTo("model.onnx");
    assertThat(provider.defaultCpuInstances())
        .isEqualTo(Runtime.getRuntime().availableProcessors());
  }
}
