package com.example.calibrate;

import dev.nereid.backend.BackendContract;
import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.ModelFiles;
import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import java.nio.file.Path;

/** The back end against everything that Nereid asks of one. */
final class CalibrateContractTest extends BackendContract {
  @Override
  protected BackendProvider provider() {
    return new CalibrateProvider();
  }

  @Override
  protected ModelConfig numbers() {
    return ConfigText.parse(
        """
        name: "calibrated"
        backend: "calibrate"
        max_batch_size: 8
        input { name: "INPUT0" data_type: TYPE_FP32 dims: 4 }
        output { name: "OUTPUT0" data_type: TYPE_FP32 dims: 4 }
        parameters { key: "scale" value { string_value: "0.01" } }
        """,
        "test");
  }

  @Override
  protected float expected(float input) {
    return (float) (1 / (1 + Math.exp(-(0.01 * input))));
  }

  /** It has no model of texts. */
  @Override
  protected ModelConfig texts() {
    return null;
  }

  @Override
  protected ModelFiles files(ModelConfig config) {
    return new ModelFiles(Path.of("models/calibrated"), Path.of("models/calibrated/1"));
  }
}
