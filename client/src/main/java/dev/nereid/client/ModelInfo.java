package dev.nereid.client;

import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.util.List;

/**
 * What a server says of a model.
 *
 * @param versions the ready ones, ascending
 */
public record ModelInfo(
    String name,
    List<String> versions,
    String platform,
    List<TensorInfo> inputs,
    List<TensorInfo> outputs) {
  public ModelInfo {
    versions = List.copyOf(versions);
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /**
   * One input or output.
   *
   * @param shape with the batch dimension where the model has one; -1 for a free dimension
   */
  public record TensorInfo(String name, DataType type, Shape shape) {}
}
