package dev.nereid.backend.onnx;

import dev.nereid.backend.BackendContract;
import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.ModelFiles;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.DataType;
import java.nio.file.Path;
import org.junit.jupiter.api.io.TempDir;

final class OnnxContractTest extends BackendContract {
  @TempDir private Path repository;

  @Override
  protected BackendProvider provider() {
    return new OnnxProvider();
  }

  @Override
  protected ModelConfig numbers() {
    return config("numbers", TinyOnnx.twice(DataType.FP32, "batch", 4));
  }

  @Override
  protected float expected(float input) {
    return 2 * input;
  }

  @Override
  protected ModelConfig texts() {
    return config("texts", TinyOnnx.identity(DataType.BYTES, "batch", 2));
  }

  private ModelConfig config(String name, TinyOnnx onnx) {
    onnx.writeTo(repository.resolve(name));
    return ModelConfig.newBuilder()
        .setName(name)
        .setBackend("onnxruntime")
        .setMaxBatchSize(8)
        .build();
  }

  @Override
  protected ModelFiles files(ModelConfig config) {
    Path model = repository.resolve(config.getName());
    return new ModelFiles(model, model.resolve("1"));
  }
}
