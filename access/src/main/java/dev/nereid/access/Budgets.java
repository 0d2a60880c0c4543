package dev.nereid.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.nereid.core.Ticker;
import java.time.Duration;

/**
 * The budgets of all callers, by name: of those in the file, and of those whom only their tokens
 * name, as many as were here lately. Thread-safe.
 */
final class Budgets {
  private static final int MOST = 1 << 16;
  private static final Duration FORGOTTEN_AFTER = Duration.ofHours(1);

  private final Ticker ticker;
  private final Cache<String, Budget> byName;

  Budgets(Ticker ticker) {
    this.ticker = ticker;
    byName =
        Caffeine.newBuilder()
            .maximumSize(MOST)
            .expireAfterAccess(FORGOTTEN_AFTER)
            .executor(Runnable::run)
            .build();
  }

  /** The budget of a name; one that is known goes on unless its limits have changed. */
  Budget of(String name, CallerLimits limits) {
    return byName
        .asMap()
        .compute(
            name,
            (_, known) ->
                known != null && known.limits().equals(limits)
                    ? known
                    : new Budget(limits, ticker.nanos()));
  }
}
