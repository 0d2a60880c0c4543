package dev.nereid.scheduler;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Reply;
import dev.nereid.core.Ticker;
import java.time.Duration;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.LongConsumer;

/**
 * Runs ensembles: each step is an ordinary request to that model's scheduler, sent when the tensors
 * it needs are there, so that steps run side by side and each batches on its own.
 *
 * <p>When a batch of some step ends, its thread gives many answers one after another. The requests
 * for the next steps are held meanwhile and enter the next model's queue together when the batch is
 * flushed: the tensors of neighbours in one slab stay neighbours in the next batch.
 */
public final class EnsembleScheduler implements ModelScheduler {
  private final long load = LoadNumbers.next();
  private final String name;
  private final long version;
  private final EnsemblePlan plan;
  private final BiFunction<String, Long, StepTarget> targets;
  private final Ticker ticker;
  private final ExecutionStatistics statistics;
  private final ThreadLocal<Outbox> outboxes = ThreadLocal.withInitial(Outbox::new);

  private final TakenRequests taken = new TakenRequests();

  /** What one thread holds until it flushes. Confined to its thread. */
  private final class Outbox {
    private IdentityHashMap<EnsemblePlan.Step, List<InferRequest>> steps = new IdentityHashMap<>();
    private final HeldReplies replies = new HeldReplies();

    void flush() {
      while (!steps.isEmpty()) {
        IdentityHashMap<EnsemblePlan.Step, List<InferRequest>> ready = steps;
        steps = new IdentityHashMap<>();
        ready.forEach((step, requests) -> send(step, requests));
      }
      replies.flush();
    }
  }

  /**
   * An ensemble of that configuration.
   *
   * @param config complete, normalised and valid
   * @param targets finds a step's model by name and version; throws {@link FaultException} when it
   *     cannot serve
   */
  public EnsembleScheduler(
      ModelConfig config,
      long version,
      BiFunction<String, Long, StepTarget> targets,
      Ticker ticker,
      ExecutionStatistics statistics) {
    name = config.getName();
    this.version = version;
    plan = EnsemblePlan.of(config);
    this.targets = targets;
    this.ticker = ticker;
    this.statistics = statistics;
  }

  @Override
  public boolean submit(List<InferRequest> requests) {
    if (!taken.enter(requests.size())) {
      return false;
    }
    for (InferRequest request : requests) {
      new EnsembleRun(this, request).start();
    }
    outboxes.get().flush();
    return true;
  }

  EnsemblePlan plan() {
    return plan;
  }

  String name() {
    return name;
  }

  long version() {
    return version;
  }

  Ticker ticker() {
    return ticker;
  }

  ExecutionStatistics statistics() {
    return statistics;
  }

  /** Holds a request for a step until this thread flushes. */
  void hold(EnsemblePlan.Step step, InferRequest request) {
    outboxes.get().steps.computeIfAbsent(step, _ -> new ArrayList<>()).add(request);
  }

  /** Remembers to flush an answered caller when this thread flushes. */
  void answered(Reply reply) {
    outboxes.get().replies.add(reply);
  }

  void flush() {
    outboxes.get().flush();
  }

  private void send(EnsemblePlan.Step step, List<InferRequest> requests) {
    StepTarget target;
    try {
      target = targets.apply(step.model(), step.version());
    } catch (FaultException e) {
      requests.forEach(request -> request.fail(e.failure()));
      return;
    }
    target.submit(requests);
  }

  void left() {
    taken.left();
  }

  /** Always 0: the ensemble itself queues nothing. */
  @Override
  public int pending() {
    return 0;
  }

  @Override
  public void identify(LongConsumer loads) {
    loads.accept(load);
    for (EnsemblePlan.Step step : plan.steps()) {
      targets.apply(step.model(), step.version()).identify(loads);
    }
  }

  @Override
  public boolean drain(Duration atMost) throws InterruptedException {
    return taken.drain(atMost) > 0;
  }

  @Override
  public void close() {
    try {
      drain(CLOSE_PATIENCE);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
