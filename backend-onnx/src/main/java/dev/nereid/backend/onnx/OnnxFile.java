package dev.nereid.backend.onnx;

import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What an ONNX file says of itself. Immutable.
 *
 * @param producer the program that wrote it, such as {@code pytorch}; may be empty
 * @param inputs those that must be given; what has an initial value in the file is left out
 * @param metadata free entries; Ultralytics writes {@code names}, {@code task}, {@code imgsz},
 *     {@code stride}
 */
public record OnnxFile(
    String producer, List<Value> inputs, List<Value> outputs, Map<String, String> metadata) {

  public OnnxFile {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    metadata = Map.copyOf(metadata);
  }

  /**
   * An input or output of the graph.
   *
   * @param type null if the v2 protocol has no such type, or it is no tensor
   * @param shape -1 for free dimensions; null if the file does not say
   * @param symbols the names of free dimensions, as many as there are dimensions; empty for others
   */
  public record Value(
      String name, @Nullable DataType type, @Nullable Shape shape, List<String> symbols) {
    public Value {
      symbols = List.copyOf(symbols);
    }

    /** Whether the first dimension is there and free, as that of a batch is. */
    public boolean hasFreeOuterDimension() {
      return shape != null && shape.rank() > 0 && shape.dim(0) == -1;
    }

    /** {@code name FP32 [-1,3,640,640]}, for messages. */
    @Override
    public String toString() {
      return name + ' ' + (type == null ? "?" : type) + ' ' + (shape == null ? "[?]" : shape);
    }
  }

  /**
   * Reads a file, without its weights. What it does not say of its outputs, ONNX Runtime is asked.
   *
   * @param path the file, or a directory that holds {@code model.onnx}
   * @throws dev.nereid.core.FaultException when it cannot be read or is not ONNX
   */
  public static OnnxFile read(Path path) {
    Path file = locate(path);
    OnnxFile parsed = OnnxParser.parse(file);
    boolean complete =
        parsed.outputs.stream().allMatch(value -> value.type != null && value.shape != null);
    return complete ? parsed : Sessions.completed(parsed, file);
  }

  /** The file itself, where a directory may stand for the {@code model.onnx} in it. */
  static Path locate(Path path) {
    return path.toFile().isDirectory() ? path.resolve(OnnxProvider.DEFAULT_FILENAME) : path;
  }

  /** Whether a batch of any size can go through: every first dimension is free. */
  public boolean isBatchable() {
    return !inputs.isEmpty()
        && inputs.stream().allMatch(Value::hasFreeOuterDimension)
        && outputs.stream().allMatch(Value::hasFreeOuterDimension);
  }
}
