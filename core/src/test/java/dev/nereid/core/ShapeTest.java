package dev.nereid.core;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

final class ShapeTest {
  @Test
  void countsElementsWithoutOverflowingSilently() {
    assertThat(Shape.of(2, 3, 4).elementCount()).isEqualTo(24);
    assertThat(Shape.SCALAR.elementCount()).isEqualTo(1);
    assertThat(Shape.of(0, Long.MAX_VALUE, Long.MAX_VALUE).elementCount()).isZero();
    assertThatThrownBy(() -> Shape.of(Long.MAX_VALUE, 2).elementCount())
        .isInstanceOf(ArithmeticException.class);
    assertThatThrownBy(() -> Shape.of(-1, 2).elementCount())
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void refusesDimensionsBelowMinusOne() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Shape.of(1, -2))
        .withMessage("shape: [1, -2] (expected: each dimension -1 or more)");
  }

  @Test
  void comparesAndRebuildsAroundTheBatchDimension() {
    Shape shape = Shape.of(4, 3, 2);
    assertThat(shape.inner()).isEqualTo(Shape.of(3, 2));
    assertThat(shape.inner().prepend(4)).isEqualTo(shape);
    assertThat(shape.withOuter(9)).isEqualTo(Shape.of(9, 3, 2));
    assertThat(shape.sameInner(Shape.of(1, 3, 2))).isTrue();
    assertThat(shape.sameInner(Shape.of(4, 2, 3))).isFalse();
    assertThat(Shape.of(-1, 3, 2).admits(shape)).isTrue();
    assertThat(Shape.of(-1, 3).admits(shape)).isFalse();
    assertThat(shape).hasToString("[4,3,2]");
  }
}
