package dev.nereid.engine;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Writes a model repository for a test. */
final class ModelFolder {
  private final Path root;

  ModelFolder(Path root) {
    this.root = root;
  }

  Path root() {
    return root;
  }

  /** A model with one version and that configuration. */
  ModelFolder model(String name, String config) {
    try {
      Files.createDirectories(root.resolve(name).resolve("1"));
      Files.writeString(root.resolve(name).resolve("config.pbtxt"), config);
      return this;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A model that gives its FP32 input of so many elements back. */
  ModelFolder identity(String name, int dim, String more) {
    return model(
        name,
        """
        backend: "identity"
        max_batch_size: 8
        input { name: "INPUT0" data_type: TYPE_FP32 dims: [ %d ] }
        output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ %d ] }
        %s
        """
            .formatted(dim, dim, more));
  }

  /** A model as {@link #identity} that takes its time and fails when told to. */
  ModelFolder delay(String name, String more) {
    return model(
        name,
        """
        backend: "delay"
        max_batch_size: 8
        input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
        output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 2 ] }
        instance_group { kind: KIND_CPU count: 1 }
        %s
        """
            .formatted(more));
  }

  /** An ensemble of two steps, IN to OUT. */
  ModelFolder chain(String name, String first, String second) {
    return model(
        name,
        """
        platform: "ensemble"
        max_batch_size: 8
        input { name: "IN" data_type: TYPE_FP32 dims: [ 2 ] }
        output { name: "OUT" data_type: TYPE_FP32 dims: [ 2 ] }
        ensemble_scheduling {
          step [
            {
              model_name: "%s"
              input_map { key: "INPUT0" value: "IN" }
              output_map { key: "OUTPUT0" value: "between" }
            },
            {
              model_name: "%s"
              input_map { key: "INPUT0" value: "between" }
              output_map { key: "OUTPUT0" value: "OUT" }
            }
          ]
        }
        """
            .formatted(first, second));
  }
}
