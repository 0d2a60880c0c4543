package dev.nereid.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.nereid.core.FakeTicker;
import java.time.Duration;
import org.junit.jupiter.api.Test;

final class BudgetTest {
  private final FakeTicker ticker = new FakeTicker();

  private Budget budget(double rate, int burst, int concurrency) {
    return new Budget(new CallerLimits(rate, burst, concurrency), ticker.nanos());
  }

  private long enter(Budget budget) {
    return budget.enter(ticker.nanos());
  }

  @Test
  void aBurstIsLetInAndThenOneEachTime() {
    Budget budget = budget(10, 3, 0);
    for (int i = 0; i < 3; i++) {
      assertThat(enter(budget)).isEqualTo(Budget.GRANTED);
    }
    assertThat(enter(budget)).isEqualTo(100_000_000);
    ticker.advance(Duration.ofMillis(60));
    assertThat(enter(budget)).isEqualTo(40_000_000);
    ticker.advance(Duration.ofMillis(40));
    assertThat(enter(budget)).isEqualTo(Budget.GRANTED);
    assertThat(enter(budget)).isPositive();
  }

  @Test
  void aLongPauseSavesNoMoreThanABurst() {
    Budget budget = budget(10, 3, 0);
    ticker.advance(Duration.ofDays(300));
    for (int i = 0; i < 3; i++) {
      assertThat(enter(budget)).isEqualTo(Budget.GRANTED);
    }
    assertThat(enter(budget)).isPositive();
  }

  @Test
  void noMoreAtATimeThanAllowed() {
    Budget budget = budget(0, 1, 2);
    assertThat(enter(budget)).isEqualTo(Budget.GRANTED);
    assertThat(enter(budget)).isEqualTo(Budget.GRANTED);
    assertThat(enter(budget)).isEqualTo(Budget.BUSY);
    budget.leave();
    assertThat(enter(budget)).isEqualTo(Budget.GRANTED);
    assertThat(budget.running()).isEqualTo(2);
  }

  @Test
  void aRequestThatTheRateRefusesDoesNotRun() {
    Budget budget = budget(1, 1, 5);
    assertThat(enter(budget)).isEqualTo(Budget.GRANTED);
    assertThat(enter(budget)).isPositive();
    assertThat(budget.running()).isEqualTo(1);
  }

  @Test
  void aBudgetLivesOnUntilItsLimitsChange() {
    Budgets budgets = new Budgets(ticker);
    CallerLimits limits = new CallerLimits(1, 1, 0);
    Budget budget = budgets.of("camera", limits);
    assertThat(budgets.of("camera", limits)).isSameAs(budget);
    assertThat(budgets.of("another", limits)).isNotSameAs(budget);
    assertThat(budgets.of("camera", new CallerLimits(2, 1, 0))).isNotSameAs(budget);
  }

  @Test
  void limitsAreCheckedAtBirth() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CallerLimits(Double.NaN, 1, 0))
        .withMessageStartingWith("rate: ");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CallerLimits(1, 0, 0))
        .withMessage("burst: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new CallerLimits(1, 1, -1))
        .withMessage("concurrency: -1 (expected: >= 0)");
  }
}
