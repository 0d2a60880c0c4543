package dev.nereid.backend.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import dev.nereid.backend.ModelFiles;
import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestRunner;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** Opens tiny models and runs requests on them. */
abstract class OnnxFixture {
  static final int CORES = 2;

  @TempDir Path directory;

  final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  final TestTensors tensors = new TestTensors(pool);
  final OnnxProvider provider = new OnnxProvider();
  private final List<AutoCloseable> open = new ArrayList<>();

  @AfterEach
  void leavesNoLeaseOpen() throws Exception {
    for (AutoCloseable closeable : open.reversed()) {
      closeable.close();
    }
    assertThat(pool.openLeases()).as("open leases").isZero();
    pool.close();
  }

  static ModelConfig.Builder named(String name) {
    return ModelConfig.newBuilder().setName(name).setBackend("onnxruntime");
  }

  ModelFiles files(TinyOnnx onnx) {
    Path model = onnx.writeTo(directory.resolve("model"));
    return new ModelFiles(model, model.resolve("1"));
  }

  ModelConfig complete(TinyOnnx onnx, ModelConfig.Builder declared) {
    return provider.complete(declared.build(), files(onnx), Map.of());
  }

  Model model(TinyOnnx onnx, ModelConfig.Builder declared) {
    ModelFiles files = files(onnx);
    ModelConfig config = provider.complete(declared.build(), files, Map.of());
    return provider.open(new ModelContext(config, 1, files, Map.of(), pool, CORES));
  }

  Instance instance(TinyOnnx onnx, ModelConfig.Builder declared) {
    Model model = model(onnx, declared);
    open.add(model);
    Instance instance = model.newInstance(new Placement("group", 0, -1));
    open.add(instance);
    return instance;
  }

  /** Runs one request on a model without a batch dimension. */
  RecordingReply run(Instance instance, Tensor... inputs) {
    return run(instance, false, inputs);
  }

  /** Runs one request. */
  RecordingReply run(Instance instance, boolean batching, Tensor... inputs) {
    RecordingReply reply = new RecordingReply();
    open.add(reply);
    InferRequest request = TestTensors.request(reply, inputs);
    new TestRunner(pool, batching).run(instance, request);
    return reply;
  }
}
