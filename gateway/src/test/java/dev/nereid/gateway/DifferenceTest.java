package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.nereid.gateway.Findings.Boxes;
import dev.nereid.gateway.Findings.Labels;
import dev.nereid.gateway.Findings.Vector;
import org.junit.jupiter.api.Test;

/** Figures that can be worked out by hand. */
final class DifferenceTest {
  private static final TrafficPlan.Shadow PLAN =
      new TrafficPlan.Shadow(new TrafficArm("s", "m", -1, null, 1), 1, 0.5, 0.99);

  private static Boxes boxes(float... edgesScoreClass) {
    int count = edgesScoreClass.length / 6;
    float[] edges = new float[4 * count];
    float[] scores = new float[count];
    int[] classes = new int[count];
    for (int i = 0; i < count; i++) {
      System.arraycopy(edgesScoreClass, 6 * i, edges, 4 * i, 4);
      scores[i] = edgesScoreClass[6 * i + 4];
      classes[i] = (int) edgesScoreClass[6 * i + 5];
    }
    return new Boxes(edges, scores, classes);
  }

  @Test
  void whatIsTheSameDoesNotDiffer() {
    Boxes both = boxes(0, 0, 10, 10, 0.9f, 1, 20, 20, 40, 40, 0.8f, 2);
    Difference difference = Difference.of(both, both, PLAN);
    assertThat(difference).isEqualTo(new Difference(false, 2, 0, 0, 2, 2, 0, 0));
    Boxes none = boxes();
    assertThat(Difference.of(none, none, PLAN).different()).isFalse();
  }

  @Test
  void boxesArePairedByWhatTheyShare() {
    Boxes mine = boxes(0, 0, 10, 10, 0.9f, 1, 20, 0, 30, 10, 0.8f, 2, 50, 50, 60, 60, 0.7f, 3);
    Boxes its = boxes(20, 0, 30, 8, 0.6f, 9, 1, 0, 10, 10, 0.9f, 1, 90, 90, 99, 99, 0.5f, 3);
    Difference difference = Difference.of(mine, its, PLAN);
    assertThat(difference.different()).isTrue();
    assertThat(difference.matched()).isEqualTo(2);
    assertThat(difference.missing()).isEqualTo(1);
    assertThat(difference.extra()).isEqualTo(1);
    assertThat(difference.agreed()).isEqualTo(1);
    assertThat(difference.overlapSum()).isCloseTo(0.9 + 0.8, within(1e-9));
    assertThat(difference.scoreSum()).isCloseTo(0.2, within(1e-6));
  }

  @Test
  void eachBoxIsPairedOnceWithTheBest() {
    Boxes mine = boxes(0, 0, 10, 10, 0.9f, 1);
    Boxes its = boxes(0, 0, 10, 8, 0.9f, 1, 0, 0, 10, 9, 0.9f, 1);
    Difference difference = Difference.of(mine, its, PLAN);
    assertThat(difference.overlapSum()).isCloseTo(0.9, within(1e-9));
    assertThat(difference.extra()).isEqualTo(1);
    assertThat(difference.different()).isTrue();
  }

  @Test
  void boxesThatShareTooLittleAreOthers() {
    Difference difference =
        Difference.of(boxes(0, 0, 10, 10, 1, 1), boxes(0, 0, 10, 4, 1, 1), PLAN);
    assertThat(difference).isEqualTo(new Difference(true, 0, 1, 1, 0, 0, 0, 0));
  }

  @Test
  void classesAgreeWhenTheBestDoes() {
    Labels mine = new Labels(new float[] {0.7f, 0.2f}, new int[] {4, 1});
    Labels same = new Labels(new float[] {0.6f, 0.3f}, new int[] {4, 9});
    Labels other = new Labels(new float[] {0.5f, 0.4f}, new int[] {1, 4});
    assertThat(Difference.of(mine, same, PLAN).different()).isFalse();
    assertThat(Difference.of(mine, same, PLAN).scoreSum()).isCloseTo(0.1, within(1e-6));
    assertThat(Difference.of(mine, other, PLAN).different()).isTrue();
    assertThat(Difference.of(mine, other, PLAN).agreed()).isZero();
  }

  @Test
  void vectorsAreComparedByTheirAngle() {
    Vector mine = new Vector(new float[] {3, 4});
    assertThat(Difference.of(mine, new Vector(new float[] {6, 8}), PLAN).cosine())
        .isCloseTo(1, within(1e-9));
    Difference turned = Difference.of(mine, new Vector(new float[] {4, 3}), PLAN);
    assertThat(turned.cosine()).isCloseTo(0.96, within(1e-9));
    assertThat(turned.different()).isTrue();
    assertThat(Difference.of(mine, new Vector(new float[] {1}), PLAN).different()).isTrue();
    assertThat(Difference.of(mine, new Vector(new float[2]), PLAN).cosine()).isZero();
  }

  @Test
  void whatCannotBeComparedIsSaid() {
    assertThatThrownBy(() -> Difference.of(new Vector(new float[1]), boxes(), PLAN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("shadow: answers Boxes (expected: Vector)");
  }
}
