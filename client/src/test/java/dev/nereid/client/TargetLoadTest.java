package dev.nereid.client;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.UpstreamStatus.RedFlag;
import dev.nereid.core.Ticker;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What the calls to a target say of it, on a clock that the test moves. */
final class TargetLoadTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
  private static final long QUICK = TimeUnit.MILLISECONDS.toNanos(20);
  private static final Endpoint NOBODY = new Endpoint("127.0.0.1", 1);

  private final EventLoops loops = EventLoops.of(1);
  private final ChannelRegistry registry = new ChannelRegistry(loops);
  private final UpstreamTarget target =
      new UpstreamTarget(NOBODY, UpstreamOptions.of(NOBODY), registry, Ticker.system());
  private long now = 100 * SECOND;

  @AfterEach
  void stop() {
    target.close();
    registry.close();
    loops.close();
  }

  private List<RedFlag> flags() {
    return target.status(now).flags();
  }

  private void answered(int calls, long nanos) {
    for (int i = 0; i < calls; i++) {
      target.load.answered(now, "m", nanos);
    }
  }

  /** A second in which so many calls are in flight at most, and so many are answered. */
  private void second(int inFlight, int done) {
    target.load.inFlight(now, inFlight);
    answered(done, QUICK);
    now += SECOND;
  }

  private void seconds(int count, int inFlight, int done) {
    for (int i = 0; i < count; i++) {
      second(inFlight, done);
    }
  }

  @Test
  void onePercentAboveASecondIsFlaggedUntilQuickOnesOutnumberThem() {
    answered(198, QUICK);
    answered(1, 2 * SECOND);
    assertThat(flags()).as("one in 199 and no more").isEmpty();
    answered(1, 2 * SECOND);
    assertThat(flags()).as("two in 200").containsExactly(RedFlag.P99_OVER_1000_MS);
    assertThat(target.status(now).calls().p99Nanos()).isEqualTo(2 * SECOND);
    assertThat(target.status(now).calls().p50Nanos()).isEqualTo(QUICK);
    answered(200, QUICK);
    assertThat(flags()).as("two in 400").isEmpty();
  }

  @Test
  void callsOfASecondExactlyAreNotFlagged() {
    answered(10, SECOND);
    assertThat(flags()).isEmpty();
    answered(1, SECOND + 1);
    assertThat(flags()).containsExactly(RedFlag.P99_OVER_1000_MS);
  }

  @Test
  void slowCallsAreForgottenAfterTenSeconds() {
    answered(10, 2 * SECOND);
    now += 10 * SECOND;
    assertThat(flags()).containsExactly(RedFlag.P99_OVER_1000_MS);
    now += 1;
    assertThat(flags()).isEmpty();
    assertThat(target.status(now).calls().p99Nanos()).isZero();
  }

  @Test
  void moreAskedAndNoMoreDoneIsAPlateauUntilNothingMoreIsAsked() {
    seconds(5, 8, 100);
    seconds(4, 16, 104);
    assertThat(flags()).as("nine seconds are too few to tell").isEmpty();
    second(16, 104);
    assertThat(flags()).containsExactly(RedFlag.PLATEAU);
    seconds(5, 16, 104);
    assertThat(flags()).as("as much is asked as before").isEmpty();
  }

  @Test
  void moreAskedAndMoreDoneIsNoPlateau() {
    seconds(5, 8, 100);
    seconds(5, 16, 106);
    assertThat(flags()).isEmpty();
  }

  @Test
  void aLittleMoreAskedIsNoPlateau() {
    seconds(5, 10, 100);
    seconds(5, 14, 100);
    assertThat(flags()).isEmpty();
  }

  @Test
  void fewCallsAreNoPlateau() {
    seconds(5, 2, 100);
    seconds(5, 7, 100);
    assertThat(flags()).isEmpty();
  }

  @Test
  void aPlateauIsOverAfterASilence() {
    seconds(5, 8, 100);
    seconds(5, 16, 100);
    assertThat(flags()).containsExactly(RedFlag.PLATEAU);
    now += 3 * SECOND;
    assertThat(flags()).isEmpty();
  }

  @Test
  void aRefusedConnectionIsFlaggedForTenSeconds() {
    target.load.refused(now);
    assertThat(flags()).containsExactly(RedFlag.REFUSED);
    now += 9 * SECOND;
    assertThat(flags()).containsExactly(RedFlag.REFUSED);
    now += SECOND;
    assertThat(flags()).isEmpty();
  }
}
