package dev.nereid.engine;

import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.engine.ModelStatistics.BatchStatistics;
import dev.nereid.engine.ModelStatistics.Phase;
import dev.nereid.scheduler.ExecutionStatistics;
import dev.nereid.scheduler.ExecutionStatistics.Total;
import java.util.ArrayList;
import java.util.List;

/** Tells what models counted, in the form of the statistics extension. */
final class StatisticsView {
  private StatisticsView() {}

  static List<ModelStatistics> of(ModelCatalog catalog, String model, long version) {
    if (!model.isEmpty() && !catalog.all().containsKey(model)) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT, "requested model '" + model + "' is not available");
    }
    List<ModelStatistics> found = new ArrayList<>();
    for (ServedModel each : catalog.all().values()) {
      if (model.isEmpty() || model.equals(each.name())) {
        each.versions().values().stream()
            .filter(served -> version < 0 || served.version() == version)
            .forEach(served -> found.add(of(served)));
      }
    }
    if (found.isEmpty() && !model.isEmpty() && version >= 0) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT,
          "requested model version is not available for model '" + model + "'");
    }
    return found;
  }

  private static ModelStatistics of(ServedVersion served) {
    ExecutionStatistics.Snapshot now = served.statistics().snapshot();
    return new ModelStatistics(
        served.spec().name(),
        served.version(),
        now.lastInferenceMillis(),
        now.inferences(),
        now.executions(),
        phase(now.success()),
        phase(now.fail()),
        phase(now.queue()),
        phase(now.input()),
        phase(now.infer()),
        phase(now.output()),
        phase(now.cacheHit()),
        phase(now.cacheMiss()),
        now.batches().stream().map(StatisticsView::batch).toList());
  }

  private static BatchStatistics batch(ExecutionStatistics.OfBatchSize size) {
    return new BatchStatistics(
        size.batchSize(), phase(size.input()), phase(size.infer()), phase(size.output()));
  }

  private static Phase phase(Total total) {
    return new Phase(total.count(), total.nanos());
  }
}
