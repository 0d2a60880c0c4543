package dev.nereid.backend;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelTensorReshape;
import dev.nereid.core.Shape;
import java.util.List;
import org.junit.jupiter.api.Test;

final class ReshapeTest {
  private static Reshape reshape(List<Long> dims, List<Long> model, boolean batching) {
    return Reshape.of(
        ModelInput.newBuilder()
            .addAllDims(dims)
            .setReshape(ModelTensorReshape.newBuilder().addAllShape(model))
            .build(),
        batching);
  }

  @Test
  void aScalarPerRowLosesItsOnlyDimension() {
    Reshape reshape = reshape(List.of(1L), List.of(), true);
    assertThat(reshape.toModel(Shape.of(5, 1))).isEqualTo(Shape.of(5));
    assertThat(reshape.toCaller(Shape.of(5))).isEqualTo(Shape.of(5, 1));
    assertThat(reshape.modelShape()).isEqualTo(Shape.of(-1));
  }

  @Test
  void freeDimensionsKeepTheirOrder() {
    Reshape reshape = reshape(List.of(-1L, 4L, -1L), List.of(2L, -1L, 2L, -1L), false);
    assertThat(reshape.toModel(Shape.of(7, 4, 9))).isEqualTo(Shape.of(2, 7, 2, 9));
    assertThat(reshape.toCaller(Shape.of(2, 7, 2, 9))).isEqualTo(Shape.of(7, 4, 9));
  }

  @Test
  void applyingTwiceChangesNothing() {
    Reshape reshape = reshape(List.of(4L), List.of(2L, 2L), true);
    Shape once = reshape.toModel(Shape.of(3, 4));
    assertThat(once).isEqualTo(Shape.of(3, 2, 2));
    assertThat(reshape.toModel(once)).isEqualTo(once);
  }

  @Test
  void withoutReshapeTheShapeStays() {
    Reshape none = Reshape.of(ModelInput.newBuilder().addDims(4).build(), true);
    assertThat(none.toModel(Shape.of(2, 4))).isEqualTo(Shape.of(2, 4));
    assertThat(none.modelShape()).isEqualTo(Shape.of(-1, 4));
    assertThat(Reshape.none().toModel(Shape.of(9))).isEqualTo(Shape.of(9));
  }
}
