package dev.nereid.app;

import dev.nereid.config.ConfigText;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/**
 * A detector that takes pixels as UINT8 or FP16: under the demo detector's name an ensemble of a
 * cast to FP32 and of that detector, which has another name here.
 */
final class CastModel {
  private static final Path DETECTOR = RunningProgram.HOME.resolve("models/shapes_detector");

  private CastModel() {}

  /** Writes the three models into an empty repository. */
  static void write(Path repository, String type) throws IOException {
    Path inner = repository.resolve("inner");
    copy(DETECTOR, inner);
    Path declared = inner.resolve("config.pbtxt");
    Files.writeString(
        declared, Files.readString(declared).replace("name: \"shapes_detector\"", ""));
    String cast =
        """
        platform: "onnxruntime_onnx"
        max_batch_size: 8
        input [{ name: "pixels" data_type: TYPE_%s dims: [3, 640, 640] }]
        output [{ name: "images" data_type: TYPE_FP32 dims: [3, 640, 640] }]
        """
            .formatted(type);
    Path file = config(repository, "cast", cast).resolve("1/model.onnx");
    Files.write(file, DeclaredOnnx.cast(ConfigText.parse(cast, "cast")));
    config(
        repository,
        "shapes_detector",
        """
        platform: "ensemble"
        max_batch_size: 8
        input [{ name: "images" data_type: TYPE_%s dims: [3, 640, 640] }]
        output [{ name: "output0" data_type: TYPE_FP32 dims: [14, 8400] }]
        ensemble_scheduling {
          step [
            {
              model_name: "cast"
              model_version: -1
              input_map { key: "pixels" value: "images" }
              output_map { key: "images" value: "floats" }
            },
            {
              model_name: "inner"
              model_version: -1
              input_map { key: "images" value: "floats" }
              output_map { key: "output0" value: "output0" }
            }
          ]
        }
        """
            .formatted(type));
  }

  private static Path config(Path repository, String model, String text) throws IOException {
    Path folder = repository.resolve(model);
    Files.createDirectories(folder.resolve("1"));
    Files.writeString(folder.resolve("config.pbtxt"), text);
    return folder;
  }

  /** Copies a directory with all that is in it. */
  static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Files.copy(file, to.resolve(from.relativize(file).toString()));
      }
    }
  }
}
