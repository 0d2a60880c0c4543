package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

final class TritonFlagsTest {
  @Test
  void whatOnlyTunesTritonIsTakenWithAWarning() {
    var outcome =
        TritonFlags.sort(
            List.of("--pinned-memory-pool-byte-size=1", "--grpc-infer-thread-count", "4"));
    assertThat(outcome.unknown()).isEmpty();
    assertThat(outcome.warnings())
        .containsExactly(
            "--pinned-memory-pool-byte-size=1 has no effect here",
            "--grpc-infer-thread-count=4 has no effect here");
  }

  @Test
  void whatAsksForWhatHappensAnywayIsTaken() {
    var outcome = TritonFlags.sort(List.of("--allow-client-shm=OFF", "--trace-level", "off"));
    assertThat(outcome.unknown()).isEmpty();
    assertThat(outcome.warnings()).isEmpty();
  }

  @Test
  void whatAsksForMoreIsRefused() {
    assertThatThrownBy(() -> TritonFlags.sort(List.of("--trace-level", "TIMESTAMPS")))
        .hasMessage(
            "--trace-level: TIMESTAMPS (expected: off; nothing else is offered yet,"
                + " see docs/compatibility.md)");
    assertThatThrownBy(() -> TritonFlags.sort(List.of("--trace-file=/tmp/traces")))
        .hasMessage("--trace-file is not offered yet; see docs/compatibility.md");
    assertThatThrownBy(() -> TritonFlags.sort(List.of("--allow-client-shm=true")))
        .isInstanceOf(Mishap.class);
  }

  @Test
  void whatNobodyKnowsIsLeft() {
    assertThat(TritonFlags.sort(List.of("--htp-port=1", "stray")).unknown())
        .containsExactly("--htp-port=1", "stray");
  }

  @Test
  void aFlagWithoutItsValueIsRefused() {
    assertThatThrownBy(() -> TritonFlags.sort(List.of("--trace-rate")))
        .hasMessage("--trace-rate: no value (expected: --trace-rate=VALUE)");
  }
}
