package dev.nereid.config;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.config.proto.ModelTensorReshape;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * The dimensions that the model itself sees of one tensor, below the batch dimension if there is
 * one.
 */
record TensorForm(List<Long> dims) {
  TensorForm {
    dims = List.copyOf(dims);
  }

  static TensorForm of(ModelInput input) {
    return new TensorForm(
        input.hasReshape() ? input.getReshape().getShapeList() : input.getDimsList());
  }

  static TensorForm of(ModelOutput output) {
    return new TensorForm(
        output.hasReshape() ? output.getReshape().getShapeList() : output.getDimsList());
  }

  int rank() {
    return dims.size();
  }

  /** All dimensions of a tensor that this configuration describes. */
  List<Long> whole(ModelConfig described) {
    return wire(described.getMaxBatchSize());
  }

  /** The dimensions under another batch size than the configuration that described them has. */
  TensorForm under(ModelConfig described, int maxBatchSize) {
    List<Long> whole = whole(described);
    boolean batched = maxBatchSize > 0 && !whole.isEmpty();
    return new TensorForm(batched ? whole.subList(1, whole.size()) : whole);
  }

  List<Long> wire(int maxBatchSize) {
    if (maxBatchSize <= 0) {
      return dims;
    }
    List<Long> whole = new ArrayList<>(dims);
    whole.addFirst(-1L);
    return whole;
  }

  /** Whether a tensor of the other form can be given to a model that has this one. */
  boolean admits(TensorForm other) {
    if (other.dims.size() != dims.size()) {
      return false;
    }
    for (int i = 0; i < dims.size(); i++) {
      if (dims.get(i) != -1 && !dims.get(i).equals(other.dims.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** The tensor with these dimensions; one value becomes dims [1] reshaped to none. */
  ModelInput put(ModelInput input) {
    ModelInput.Builder result = input.toBuilder().clearDims().clearReshape();
    fill(result);
    return result.build();
  }

  /** The tensor with these dimensions; one value becomes dims [1] reshaped to none. */
  ModelOutput put(ModelOutput output) {
    ModelOutput.Builder result = output.toBuilder().clearDims().clearReshape();
    fill(result);
    return result.build();
  }

  void fill(ModelInput.Builder input) {
    if (dims.isEmpty()) {
      input.addDims(1).setReshape(ModelTensorReshape.getDefaultInstance());
    } else {
      input.addAllDims(dims);
    }
  }

  void fill(ModelOutput.Builder output) {
    if (dims.isEmpty()) {
      output.addDims(1).setReshape(ModelTensorReshape.getDefaultInstance());
    } else {
      output.addAllDims(dims);
    }
  }

  static String text(List<Long> shape) {
    return shape.stream().map(String::valueOf).collect(Collectors.joining(",", "[", "]"));
  }
}
