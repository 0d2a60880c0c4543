package dev.nereid.engine;

import dev.nereid.config.ModelSpec;
import dev.nereid.config.RequestCheck;
import dev.nereid.core.Failure;
import dev.nereid.core.InferRequest;
import dev.nereid.scheduler.ExecutionStatistics;
import dev.nereid.scheduler.ModelScheduler;
import dev.nereid.scheduler.StepTarget;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.MetricSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongConsumer;

/**
 * A version of a model that takes requests. Thread-safe.
 *
 * @param labels by output
 * @param summary what the back end said of threads and devices
 */
record ServedVersion(
    ModelSpec spec,
    long version,
    ModelScheduler scheduler,
    ExecutionStatistics statistics,
    Map<String, List<String>> labels,
    String summary,
    double loadSeconds)
    implements StepTarget, MetricSource {

  /** Checks requests and hands the good ones to the scheduler together. */
  @Override
  public void submit(List<InferRequest> requests) {
    List<InferRequest> good = good(requests);
    if (!good.isEmpty()) {
      scheduler.submit(good);
    }
  }

  /** As {@link #submit}, by {@link ModelScheduler#submitInline}. */
  void submitInline(List<InferRequest> requests) {
    List<InferRequest> good = good(requests);
    if (!good.isEmpty()) {
      scheduler.submitInline(good);
    }
  }

  /** The requests that fit the model; the others are told why they do not. */
  private List<InferRequest> good(List<InferRequest> requests) {
    List<InferRequest> good = null;
    for (int i = 0; i < requests.size(); i++) {
      Failure failure = RequestCheck.check(spec, requests.get(i));
      if (failure != null) {
        good = good == null ? new ArrayList<>(requests.subList(0, i)) : good;
        statistics.refused(failure.fault());
        requests.get(i).fail(failure);
      } else if (good != null) {
        good.add(requests.get(i));
      }
    }
    return good == null ? requests : good;
  }

  @Override
  public void identify(LongConsumer loads) {
    scheduler.identify(loads);
  }

  /** Whether both are the same load of the same version. */
  boolean isSame(ServedVersion other) {
    return scheduler.equals(other.scheduler);
  }

  @Override
  public void collect(Sink sink) {
    statistics.collect(sink);
    String number = Long.toString(version);
    sink.sample(Meter.PENDING_REQUESTS, scheduler.pending(), spec.name(), number);
    sink.sample(Meter.LOAD_DURATION, loadSeconds, spec.name(), number);
  }
}
