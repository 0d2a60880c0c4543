package dev.nereid.backend.onnx;

import dev.nereid.backend.Batch;
import dev.nereid.config.proto.BatchInput;
import dev.nereid.core.DataType;
import dev.nereid.core.Lease;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Makes the tensors that tell a model where in a ragged input each request lies. Stateless. */
final class BatchInputs {
  private BatchInputs() {}

  /** The tensor of that kind for a batch, in a lease of its own, which the caller closes. */
  static Tensor make(BatchInput spec, String target, DataType type, Batch batch) {
    String source = spec.getSourceInput(0);
    List<Long> values = new ArrayList<>();
    return switch (spec.getKind()) {
      case BATCH_ELEMENT_COUNT -> {
        counts(batch, source, values);
        yield tensor(batch, target, type, values, Shape.of(values.size()));
      }
      case BATCH_ACCUMULATED_ELEMENT_COUNT -> {
        counts(batch, source, values);
        accumulate(values);
        yield tensor(batch, target, type, values, Shape.of(values.size()));
      }
      case BATCH_ACCUMULATED_ELEMENT_COUNT_WITH_ZERO -> {
        values.add(0L);
        counts(batch, source, values);
        accumulate(values);
        yield tensor(batch, target, type, values, Shape.of(values.size()));
      }
      case BATCH_MAX_ELEMENT_COUNT_AS_SHAPE -> {
        counts(batch, source, values);
        long longest = values.stream().mapToLong(Long::longValue).max().orElse(0);
        yield blank(batch, target, type, Shape.of(longest));
      }
      case BATCH_ITEM_SHAPE -> {
        int rank = itemShapes(batch, source, values);
        long items = rank == 0 ? batch.size() : values.size() / rank;
        yield tensor(batch, target, type, values, Shape.of(items, rank));
      }
      case BATCH_ITEM_SHAPE_FLATTEN -> {
        itemShapes(batch, source, values);
        yield tensor(batch, target, type, values, Shape.of(values.size()));
      }
      case UNRECOGNIZED ->
          throw new IllegalStateException("batch_input '" + target + "': a kind nobody knows");
    };
  }

  private static void counts(Batch batch, String source, List<Long> values) {
    for (int i = 0; i < batch.requests().size(); i++) {
      values.add(batch.required(i, source).shape().elementCount());
    }
  }

  private static void accumulate(List<Long> values) {
    for (int i = 1; i < values.size(); i++) {
      values.set(i, values.get(i - 1) + values.get(i));
    }
  }

  /** The shape below the batch dimension, once for each row; answers with its rank. */
  private static int itemShapes(Batch batch, String source, List<Long> values) {
    int rank = 0;
    for (int i = 0; i < batch.requests().size(); i++) {
      Shape item = batch.required(i, source).shape().inner();
      rank = item.rank();
      for (int row = 0; row < batch.rows(i); row++) {
        for (int dim = 0; dim < rank; dim++) {
          values.add(item.dim(dim));
        }
      }
    }
    return rank;
  }

  private static Tensor tensor(
      Batch batch, String target, DataType type, List<Long> values, Shape shape) {
    Tensor tensor = blank(batch, target, type, shape);
    ByteBuffer bytes = tensor.bytes();
    for (long value : values) {
      if (type == DataType.FP32) {
        bytes.putFloat((float) value);
      } else {
        bytes.putInt(Math.toIntExact(value));
      }
    }
    return tensor;
  }

  private static Tensor blank(Batch batch, String target, DataType type, Shape shape) {
    int bytes = Math.toIntExact(shape.elementCount() * type.byteSize());
    Lease lease = batch.memory().take(bytes);
    return new Tensor(target, type, shape, lease, 0, bytes);
  }
}
