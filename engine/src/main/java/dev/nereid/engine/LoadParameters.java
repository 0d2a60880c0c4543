package dev.nereid.engine;

import java.nio.ByteBuffer;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a load asks for beside the model's name.
 *
 * @param config a configuration as JSON, which counts for this load instead of {@code
 *     config.pbtxt}; null for the file
 * @param files the model's files by path, such as {@code 1/model.onnx}, which count for this load
 *     instead of the repository's; empty for the repository's. They need a configuration.
 */
public record LoadParameters(@Nullable String config, Map<String, ByteBuffer> files) {
  /** What the repository holds. */
  public static final LoadParameters NONE = new LoadParameters(null, Map.of());

  public LoadParameters {
    files = Map.copyOf(files);
  }
}
