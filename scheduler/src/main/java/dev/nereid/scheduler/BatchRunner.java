package dev.nereid.scheduler;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import dev.nereid.core.Timings;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs batches on an instance and sees to the outcome of every request in them. Statistics are
 * counted before answers leave, so that a client that asks for them next sees its own request.
 *
 * <p><b>Threading.</b> Stateless but for what it was made of; used by all instances of a model.
 */
final class BatchRunner {
  private static final Logger LOG = LoggerFactory.getLogger(BatchRunner.class);

  private static final long FAILURE_LOG_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final AtomicLong nextFailureLog;
  private final String model;
  private final long version;
  private final boolean batching;
  private final MemoryPool memory;
  private final Ticker ticker;
  private final ExecutionStatistics statistics;
  private final DeclaredOutputs declared;
  private final @Nullable AnswerOrder order;

  BatchRunner(SchedulerSetup setup, boolean batching, @Nullable AnswerOrder order) {
    model = setup.config().getName();
    version = setup.version();
    this.batching = batching;
    memory = setup.memory();
    ticker = setup.ticker();
    nextFailureLog = new AtomicLong(ticker.nanos());
    statistics = setup.statistics();
    declared = new DeclaredOutputs(setup.config());
    this.order = order;
  }

  /** What became of one request: exactly one of the two is there. */
  private record Outcome(
      Queued queued, @Nullable InferResponse response, @Nullable Failure failure) {}

  /**
   * Runs a batch and answers its requests.
   *
   * @return the nanoseconds of the execution alone: answering may be interrupted by who is answered
   */
  long run(Instance instance, List<Queued> queued) {
    long started = ticker.nanos();
    List<InferRequest> requests = new ArrayList<>(queued.size());
    for (int i = 0; i < queued.size(); i++) {
      requests.add(queued.get(i).request);
    }
    Batch batch = new Batch(requests, batching, memory, ticker);
    execute(instance, batch);
    long ended = ticker.nanos();
    batch.releaseInputs();
    long computeStarted = orElse(batch.computeStartedNanos(), started);
    long computeEnded = orElse(batch.computeEndedNanos(), ended);
    List<Outcome> outcomes = new ArrayList<>(queued.size());
    List<ExecutionStatistics.Answered> answered = new ArrayList<>(queued.size());
    for (int i = 0; i < queued.size(); i++) {
      Queued each = queued.get(i);
      var times =
          new Timings(
              each.queuedNanos,
              started,
              computeStarted,
              computeEnded,
              ended,
              batch.kind(),
              Math.min(batch.decodeNanos(i), ended - started),
              List.of());
      Outcome outcome = outcome(batch, i, each, times);
      outcomes.add(outcome);
      if (outcome.failure == null) {
        answered.add(new ExecutionStatistics.Answered(batch.rows(i), times));
      } else {
        statistics.failed(outcome.failure.fault(), ended - each.queuedNanos);
      }
    }
    statistics.executed(batch, new Timings(started, started, computeStarted, computeEnded, ended));
    statistics.answered(answered);
    deliver(outcomes);
    return ended - started;
  }

  private static long orElse(long nanos, long otherwise) {
    return nanos == 0 ? otherwise : nanos;
  }

  private void execute(Instance instance, Batch batch) {
    try {
      instance.execute(batch);
    } catch (FaultException e) {
      batch.failRest(e.failure());
    } catch (Throwable e) { // a back end's defect must not end the thread that owns the instance
      logFailure(e);
      batch.failRest(Fault.BACKEND_FAILED.with("model '" + model + "': " + e));
    }
  }

  /**
   * A model that fails on every request must not fill the log: one trace in ten seconds tells all.
   */
  private void logFailure(Throwable failure) {
    long now = ticker.nanos();
    long next = nextFailureLog.get();
    if (now - next >= 0 && nextFailureLog.compareAndSet(next, now + FAILURE_LOG_NANOS)) {
      LOG.error("model '{}': execution failed (logged at most every 10 s)", model, failure);
    }
  }

  private Outcome outcome(Batch batch, int index, Queued queued, Timings times) {
    Failure failure = batch.failureOf(index);
    InferRequest.Call call = queued.request.call();
    List<Tensor> outputs = batch.outputsOf(index);
    List<Lease> leases = batch.leasesOf(index);
    if (failure == null) {
      failure =
          outputs.size() < call.outputs().size()
              ? Fault.BACKEND_FAILED.with("the back end gave not every requested output")
              : declared.misfit(outputs);
      if (failure != null) {
        leases.forEach(Lease::close);
      }
    }
    if (failure != null) {
      return new Outcome(queued, null, failure);
    }
    return new Outcome(
        queued,
        new InferResponse(model, version, call.id(), Map.of(), outputs, leases, times),
        null);
  }

  private void deliver(List<Outcome> outcomes) {
    if (order != null) {
      for (Outcome outcome : outcomes) {
        order.send(outcome.queued.sequence, () -> hold(outcome, true));
      }
      return;
    }
    HeldReplies held = new HeldReplies();
    for (int i = 0; i < outcomes.size(); i++) {
      hold(outcomes.get(i), false);
      held.add(outcomes.get(i).queued.request.reply());
    }
    held.flush();
  }

  /** Fails a request that never ran. */
  void refuse(Queued queued, Failure failure) {
    statistics.failed(failure.fault(), ticker.nanos() - queued.queuedNanos);
    Outcome outcome = new Outcome(queued, null, failure);
    if (order != null) {
      order.send(queued.sequence, () -> hold(outcome, true));
    } else {
      hold(outcome, true);
    }
  }

  private static void hold(Outcome outcome, boolean flush) {
    InferRequest request = outcome.queued.request;
    try {
      if (outcome.response != null) {
        request.hold(outcome.response);
      } else if (outcome.failure != null) {
        request.hold(outcome.failure);
      }
      if (flush) {
        request.reply().flush();
      }
    } catch (RuntimeException e) {
      LOG.error("reply to request '{}' failed", request.call().id(), e);
    }
  }
}
