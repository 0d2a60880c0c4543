package dev.nereid.core;

import java.util.Arrays;
import java.util.List;

/** The dimensions of a tensor, outermost first; -1 stands for a free one. Immutable. */
public final class Shape {
  /** The shape of a scalar: no dimension, one element. */
  public static final Shape SCALAR = new Shape(new long[0]);

  private final long[] dims;

  private Shape(long[] dims) {
    this.dims = dims;
  }

  /**
   * A shape of these dimensions.
   *
   * @throws IllegalArgumentException when one is below -1
   */
  public static Shape of(long... dims) {
    for (long dim : dims) {
      if (dim < -1) {
        throw new IllegalArgumentException(
            "shape: " + Arrays.toString(dims) + " (expected: each dimension -1 or more)");
      }
    }
    return dims.length == 0 ? SCALAR : new Shape(dims.clone());
  }

  /** A shape of these dimensions. */
  public static Shape of(List<Long> dims) {
    return of(dims.stream().mapToLong(Long::longValue).toArray());
  }

  /** The number of dimensions. */
  public int rank() {
    return dims.length;
  }

  /** One dimension, counted from the outermost. */
  public long dim(int index) {
    return dims[index];
  }

  /** A copy of the dimensions. */
  public long[] dims() {
    return dims.clone();
  }

  /** Whether no dimension is free. */
  public boolean isConcrete() {
    for (long dim : dims) {
      if (dim < 0) {
        return false;
      }
    }
    return true;
  }

  /**
   * The number of elements.
   *
   * @throws ArithmeticException when it exceeds a long
   * @throws IllegalStateException when a dimension is free
   */
  public long elementCount() {
    if (!isConcrete()) {
      throw new IllegalStateException("shape: " + this + " (expected: no free dimension)");
    }
    long count = 1;
    for (long dim : dims) {
      if (dim == 0) {
        return 0;
      }
    }
    for (long dim : dims) {
      count = Math.multiplyExact(count, dim);
    }
    return count;
  }

  /** This shape with the outermost dimension replaced. */
  public Shape withOuter(long dim) {
    long[] copy = dims.clone();
    copy[0] = dim;
    return new Shape(copy);
  }

  /** This shape under a new outermost dimension. */
  public Shape prepend(long dim) {
    long[] longer = new long[dims.length + 1];
    longer[0] = dim;
    System.arraycopy(dims, 0, longer, 1, dims.length);
    return new Shape(longer);
  }

  /** This shape without its outermost dimension. */
  public Shape inner() {
    return dims.length <= 1 ? SCALAR : new Shape(Arrays.copyOfRange(dims, 1, dims.length));
  }

  /** Whether both have the same dimensions below the outermost. */
  public boolean sameInner(Shape other) {
    return dims.length == other.dims.length
        && (dims.length == 0 || Arrays.equals(dims, 1, dims.length, other.dims, 1, dims.length));
  }

  /** Whether a concrete shape fits this one, in which -1 takes any size. */
  public boolean admits(Shape concrete) {
    if (dims.length != concrete.dims.length) {
      return false;
    }
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] != -1 && dims[i] != concrete.dims[i]) {
        return false;
      }
    }
    return true;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Shape shape && Arrays.equals(dims, shape.dims);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(dims);
  }

  /** {@code [1,3,640,640]}, as error texts show it. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("[");
    for (int i = 0; i < dims.length; i++) {
      text.append(i == 0 ? "" : ",").append(dims[i]);
    }
    return text.append(']').toString();
  }
}
