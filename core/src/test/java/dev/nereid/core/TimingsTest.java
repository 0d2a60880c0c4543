package dev.nereid.core;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;

final class TimingsTest {
  private static final Timings PREPROCESS =
      new Timings(10, 20, 21, 90, 100, Phase.PREPROCESS, 30, List.of());
  private static final Timings COMPUTE = new Timings(100, 105, 110, 190, 200);

  @Test
  void anExecutionCountsAsWhatItDoes() {
    assertThat(COMPUTE.nanos(Phase.QUEUE)).isEqualTo(5);
    assertThat(COMPUTE.nanos(Phase.COMPUTE)).isEqualTo(95);
    assertThat(COMPUTE.nanos(Phase.PREPROCESS)).isZero();
    assertThat(PREPROCESS.nanos(Phase.DECODE)).isEqualTo(30);
    assertThat(PREPROCESS.nanos(Phase.PREPROCESS)).isEqualTo(50);
    assertThat(PREPROCESS.nanos(Phase.COMPUTE)).isZero();
  }

  @Test
  void anEnsembleIsTheSumOfItsSteps() {
    Timings whole =
        Timings.ofEnsemble(
            5, 300, List.of(new Timings.Step("pre", PREPROCESS), new Timings.Step("net", COMPUTE)));
    assertThat(whole.nanos(Phase.QUEUE)).isEqualTo(15);
    assertThat(whole.nanos(Phase.DECODE)).isEqualTo(30);
    assertThat(whole.nanos(Phase.PREPROCESS)).isEqualTo(50);
    assertThat(whole.nanos(Phase.COMPUTE)).isEqualTo(95);
    assertThat(whole.queueNanos()).isZero();
    assertThat(whole.inputNanos()).isEqualTo(1 + 5);
    assertThat(whole.inferNanos()).isEqualTo(69 + 80);
    assertThat(whole.outputNanos()).isEqualTo(10 + 10);
    assertThat(whole.steps().getLast().nanos()).isEqualTo(100);
  }

  @Test
  void onlyWhatWasMeasuredIsKnown() {
    assertThat(Timings.NONE.isKnown()).isFalse();
    assertThat(COMPUTE.isKnown()).isTrue();
  }
}
