package dev.nereid.config;

import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import org.jspecify.annotations.Nullable;

/**
 * The form of one input or output, as requests see it.
 *
 * @param dims as declared, without a batch dimension when the model batches
 * @param wireShape as requests give it: {@code dims}, under a leading -1 when the model batches
 * @param reshape what the model itself sees in the place of {@code dims}; null for the same
 * @param optional whether a request may leave it out
 * @param allowRaggedBatch whether requests of different shapes may share a batch
 * @param isShapeTensor whether its values steer shapes; such a tensor has no batch dimension
 * @param labelFilename the file of class labels, relative to the model's directory; may be empty
 */
public record TensorSpec(
    String name,
    DataType type,
    Shape dims,
    Shape wireShape,
    @Nullable Shape reshape,
    boolean optional,
    boolean allowRaggedBatch,
    boolean isShapeTensor,
    String labelFilename) {
  public TensorSpec {
    if (name.isEmpty()) {
      throw new IllegalArgumentException("name: '' (expected: not empty)");
    }
  }

  /** The dims the back end works with: {@code reshape} where there is one, else {@code dims}. */
  public Shape modelDims() {
    return reshape == null ? dims : reshape;
  }

  static TensorSpec of(ModelInput input, boolean batching) {
    Shape dims = Shape.of(input.getDimsList());
    return new TensorSpec(
        input.getName(),
        coreType(input.getDataType()),
        dims,
        batching ? dims.prepend(-1) : dims,
        input.hasReshape() ? Shape.of(input.getReshape().getShapeList()) : null,
        input.getOptional(),
        input.getAllowRaggedBatch(),
        input.getIsShapeTensor(),
        "");
  }

  static TensorSpec of(ModelOutput output, boolean batching) {
    Shape dims = Shape.of(output.getDimsList());
    return new TensorSpec(
        output.getName(),
        coreType(output.getDataType()),
        dims,
        batching ? dims.prepend(-1) : dims,
        output.hasReshape() ? Shape.of(output.getReshape().getShapeList()) : null,
        false,
        false,
        output.getIsShapeTensor(),
        output.getLabelFilename());
  }

  /**
   * The element type that a configuration's name stands for.
   *
   * @throws IllegalArgumentException for {@code TYPE_INVALID} or a number that has no name
   */
  public static DataType coreType(dev.nereid.config.proto.DataType type) {
    return switch (type) {
      case TYPE_BOOL -> DataType.BOOL;
      case TYPE_UINT8 -> DataType.UINT8;
      case TYPE_UINT16 -> DataType.UINT16;
      case TYPE_UINT32 -> DataType.UINT32;
      case TYPE_UINT64 -> DataType.UINT64;
      case TYPE_INT8 -> DataType.INT8;
      case TYPE_INT16 -> DataType.INT16;
      case TYPE_INT32 -> DataType.INT32;
      case TYPE_INT64 -> DataType.INT64;
      case TYPE_FP16 -> DataType.FP16;
      case TYPE_FP32 -> DataType.FP32;
      case TYPE_FP64 -> DataType.FP64;
      case TYPE_STRING -> DataType.BYTES;
      case TYPE_BF16 -> DataType.BF16;
      case TYPE_INVALID, UNRECOGNIZED ->
          throw new IllegalArgumentException("data_type: " + type + " (expected: a known type)");
    };
  }

  /** The configuration's name of an element type. */
  public static dev.nereid.config.proto.DataType configType(DataType type) {
    return dev.nereid.config.proto.DataType.valueOf(type.configName());
  }
}
