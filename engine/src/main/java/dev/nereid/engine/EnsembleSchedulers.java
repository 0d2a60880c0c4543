package dev.nereid.engine;

import dev.nereid.core.Ticker;
import dev.nereid.scheduler.EnsembleScheduler;
import dev.nereid.scheduler.ModelScheduler;
import dev.nereid.scheduler.StepTarget;
import java.util.function.BiFunction;

/** Makes the schedulers of ensembles. */
record EnsembleSchedulers(Ticker ticker, SharedResources shared) {
  /** One that finds its steps through {@code targets}. */
  ModelScheduler make(EnsembleDefinition definition, BiFunction<String, Long, StepTarget> targets) {
    EnsembleScheduler scheduler =
        new EnsembleScheduler(
            definition.spec().config(),
            definition.version(),
            targets,
            ticker,
            definition.statistics());
    return shared.cached(scheduler, definition.spec().config(), definition.statistics());
  }
}
