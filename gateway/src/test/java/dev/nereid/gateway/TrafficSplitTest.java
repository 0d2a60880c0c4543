package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Weights that hold, and keys that stay. */
final class TrafficSplitTest {
  private static final int MANY = 10_000;

  private static TrafficArm arm(String name, double weight) {
    return new TrafficArm(name, "m", -1, null, weight);
  }

  private static TrafficSplit split(double... weights) {
    return new TrafficSplit(
        java.util.stream.IntStream.range(0, weights.length)
            .mapToObj(i -> arm("arm" + i, weights[i]))
            .toList());
  }

  @Test
  void byTurnsTheWeightsHoldInEveryStretch() {
    TrafficSplit split = split(70, 25, 5, 0);
    for (int stretch = 0; stretch < 20; stretch++) {
      Map<String, Integer> got = new HashMap<>();
      for (int i = 0; i < MANY / 20; i++) {
        got.merge(split.next().name(), 1, Integer::sum);
      }
      assertThat(got.getOrDefault("arm0", 0) / (MANY / 20.0)).isCloseTo(0.70, within(0.02));
      assertThat(got.getOrDefault("arm1", 0) / (MANY / 20.0)).isCloseTo(0.25, within(0.02));
      assertThat(got.getOrDefault("arm2", 0) / (MANY / 20.0)).isCloseTo(0.05, within(0.02));
      assertThat(got).doesNotContainKey("arm3");
    }
  }

  @Test
  void byKeysTheWeightsHoldAndNoKeyMoves() {
    TrafficSplit split = split(90, 10);
    TrafficSplit again = split(90, 10);
    int second = 0;
    for (int i = 0; i < MANY; i++) {
      long key = TrafficSplit.hash("user-" + i);
      TrafficArm arm = split.of(key);
      assertThat(again.of(key)).isEqualTo(arm);
      second += arm.name().equals("arm1") ? 1 : 0;
    }
    assertThat(second / (double) MANY).isCloseTo(0.10, within(0.02));
  }

  @Test
  void aWeightThatGrowsOnlyTakesKeysAndNoneMovesBetweenTheOthers() {
    TrafficSplit before = split(60, 30, 10);
    TrafficSplit after = split(60, 30, 30);
    int moved = 0;
    for (int i = 0; i < MANY; i++) {
      long key = TrafficSplit.hash("user-" + i);
      String was = before.of(key).name();
      String is = after.of(key).name();
      if (!was.equals(is)) {
        assertThat(is).isEqualTo("arm2");
        moved++;
      }
    }
    assertThat(moved / (double) MANY).isCloseTo(30 / 120.0 - 10 / 100.0, within(0.02));
  }

  @Test
  void anArmWithoutWeightGetsNothing() {
    TrafficSplit split = split(0, 1, 0);
    for (int i = 0; i < 1000; i++) {
      assertThat(split.next().name()).isEqualTo("arm1");
      assertThat(split.of(i).name()).isEqualTo("arm1");
    }
    assertThat(new TrafficSplit(List.of(arm("only", 3))).next().name()).isEqualTo("only");
  }
}
