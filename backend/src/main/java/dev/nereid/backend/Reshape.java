package dev.nereid.backend;

import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.Shape;
import java.util.List;

/**
 * The two shapes of a tensor whose configuration has {@code reshape}: the one callers use ({@code
 * dims}) and the one the model sees. The back end applies it; tensors in requests and responses
 * always have the callers' form. Immutable.
 */
public final class Reshape {
  private final Shape dims;
  private final Shape model;
  private final boolean changes;
  private final int outer;

  private Reshape(List<Long> dims, boolean changes, List<Long> model, boolean batching) {
    this.dims = Shape.of(dims);
    this.model = changes ? Shape.of(model) : this.dims;
    this.changes = changes;
    outer = batching ? 1 : 0;
  }

  /** That of an input. */
  public static Reshape of(ModelInput input, boolean batching) {
    return new Reshape(
        input.getDimsList(), input.hasReshape(), input.getReshape().getShapeList(), batching);
  }

  /** That of an output. */
  public static Reshape of(ModelOutput output, boolean batching) {
    return new Reshape(
        output.getDimsList(), output.hasReshape(), output.getReshape().getShapeList(), batching);
  }

  /** Without a change: both forms are the same. */
  public static Reshape none() {
    return new Reshape(List.of(), false, List.of(), false);
  }

  /** What the model sees of a tensor of that shape; the shape itself if it does not fit. */
  public Shape toModel(Shape caller) {
    return changes ? mapped(caller, dims, model) : caller;
  }

  /** What callers see of a tensor of that shape; the shape itself if it does not fit. */
  public Shape toCaller(Shape produced) {
    return changes ? mapped(produced, model, dims) : produced;
  }

  /** The shape the model is configured to see, with -1 for the batch dimension and free ones. */
  public Shape modelShape() {
    return outer == 1 ? model.prepend(-1) : model;
  }

  private Shape mapped(Shape actual, Shape from, Shape to) {
    if (actual.rank() != from.rank() + outer) {
      return actual;
    }
    long[] result = new long[to.rank() + outer];
    if (outer == 1) {
      result[0] = actual.dim(0);
    }
    int free = 0;
    for (int i = 0; i < from.rank(); i++) {
      long dim = actual.dim(i + outer);
      if (from.dim(i) == -1) {
        free = fillNextFree(result, to, free, dim);
      } else if (from.dim(i) != dim) {
        return actual;
      }
    }
    for (int i = 0; i < to.rank(); i++) {
      if (to.dim(i) != -1) {
        result[i + outer] = to.dim(i);
      }
    }
    return Shape.of(result);
  }

  private int fillNextFree(long[] result, Shape to, int from, long dim) {
    int next = from;
    while (next < to.rank() && to.dim(next) != -1) {
      next++;
    }
    if (next < to.rank()) {
      result[next + outer] = dim;
    }
    return next + 1;
  }
}
