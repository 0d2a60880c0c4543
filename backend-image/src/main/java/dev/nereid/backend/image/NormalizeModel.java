package dev.nereid.backend.image;

import dev.nereid.backend.Batch;
import dev.nereid.config.ModelSpec;
import dev.nereid.config.TensorSpec;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import java.nio.ByteBuffer;

/** Vectors in, the same vectors of length 1 out. A vector of zeros stays one. */
final class NormalizeModel extends RowModel {
  private final String input;
  private final String output;

  private NormalizeModel(ModelSpec spec) {
    super(spec);
    input = spec.inputs().getFirst().name();
    output = spec.outputs().getFirst().name();
  }

  static ModelConfig complete(ModelConfig declared) {
    if (declared.getInputCount() != 1 || declared.getOutputCount() > 0) {
      return declared;
    }
    return declared.toBuilder()
        .addOutput(
            ModelOutput.newBuilder()
                .setName("embedding")
                .setDataType(declared.getInput(0).getDataType())
                .addAllDims(declared.getInput(0).getDimsList()))
        .build();
  }

  static NormalizeModel open(ModelSpec spec) {
    boolean alike =
        spec.inputs().size() == 1
            && spec.outputs().size() == 1
            && isVector(spec.inputs().getFirst())
            && isVector(spec.outputs().getFirst())
            && spec.inputs().getFirst().dims().equals(spec.outputs().getFirst().dims());
    if (!alike) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "model '"
              + spec.name()
              + "', backend image: tensors (expected: one input and one output, TYPE_FP32 [n])");
    }
    return new NormalizeModel(spec);
  }

  private static boolean isVector(TensorSpec tensor) {
    return tensor.type() == DataType.FP32
        && tensor.dims().rank() == 1
        && tensor.dims().isConcrete();
  }

  @Override
  Work work() {
    return this::fill;
  }

  private void fill(Batch batch, int request, OutputBlock outputs) {
    int rows = batch.rows(request);
    FloatRows values = FloatRows.of(batch.required(request, input), rows);
    for (int row = 0; row < rows; row++) {
      ByteBuffer target = outputs.row(output, row);
      if (target == null || target.remaining() != values.floats() * Float.BYTES) {
        throw FloatRows.wrong(values.tensor(), "as many values as '" + output + "' has");
      }
      normalize(values.row(row), target, values.floats());
    }
  }

  private static void normalize(ByteBuffer from, ByteBuffer to, int floats) {
    double sum = 0;
    for (int i = 0; i < floats; i++) {
      double value = from.getFloat(i * Float.BYTES);
      sum += value * value;
    }
    double length = sum > 0 ? Math.sqrt(sum) : 1;
    for (int i = 0; i < floats; i++) {
      to.putFloat((float) (from.getFloat(i * Float.BYTES) / length));
    }
  }
}
