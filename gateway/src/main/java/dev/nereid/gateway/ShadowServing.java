package dev.nereid.gateway;

import dev.nereid.client.Endpoint;
import dev.nereid.client.Lane;
import dev.nereid.core.Failure;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.Reply;
import dev.nereid.core.Tensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Asks another model, too, and compares what both say. Clients are never answered by it, and do not
 * wait for it: copies go in the lane of batches, and no more than {@link #UNDER_WAY} at a time.
 */
final class ShadowServing extends ForwardingServing {
  /** Copies that are not answered yet, at most, over all models. */
  static final int UNDER_WAY = 64;

  private static final Logger LOG = LoggerFactory.getLogger(ShadowServing.class);
  private static final long PATIENCE_NANOS = Duration.ofSeconds(30).toNanos();

  private final ImageModel model;
  private final TrafficPlan.Shadow plan;
  private final Serving other;
  private final ShadowCounts counts;
  private final Setup setup;

  /**
   * What all shadows share.
   *
   * @param permits for copies
   * @param threads where answers are compared
   */
  record Setup(Semaphore permits, Executor threads) {}

  /**
   * Copies requests for a model.
   *
   * @param model that answers clients
   * @param other who runs the shadow
   */
  ShadowServing(
      Serving inner,
      ImageModel model,
      TrafficPlan.Shadow plan,
      Serving other,
      ShadowCounts counts,
      Setup setup) {
    super(inner);
    this.model = model;
    this.plan = plan;
    this.other = other;
    this.counts = counts;
    this.setup = setup;
  }

  @Override
  public Serving on(@Nullable Endpoint upstream) {
    return inner.on(upstream);
  }

  @Override
  public void inferAll(List<InferRequest> requests) {
    List<InferRequest> watched = new ArrayList<>(requests.size());
    List<InferRequest> copies = new ArrayList<>();
    for (InferRequest request : requests) {
      if (ThreadLocalRandom.current().nextDouble() >= plan.sample()) {
        watched.add(request);
      } else if (!setup.permits.tryAcquire()) {
        counts.skipped();
        watched.add(request);
      } else {
        Comparison comparison = new Comparison(request.call().id());
        copies.add(copy(request, comparison));
        watched.add(watched(request, comparison));
      }
    }
    inner.inferAll(watched);
    if (!copies.isEmpty()) {
      other.inferAll(copies);
    }
  }

  /** The same pictures, in shares of their own. */
  private InferRequest copy(InferRequest request, Comparison comparison) {
    List<Tensor> inputs = new ArrayList<>(request.inputs().size());
    List<Lease> leases = new ArrayList<>(request.inputs().size());
    for (Tensor input : request.inputs()) {
      Lease share = input.lease().share();
      leases.add(share);
      inputs.add(input.in(share));
    }
    InferRequest.Call call = request.call();
    long now = ticker().nanos();
    return new InferRequest(
        new InferRequest.Call(
            plan.arm().model(),
            plan.arm().version(),
            call.id(),
            call.parameters(),
            call.outputs(),
            Lane.BATCH.priority(),
            0,
            now,
            now + PATIENCE_NANOS),
        inputs,
        leases,
        new CopyReply(comparison));
  }

  private InferRequest watched(InferRequest request, Comparison comparison) {
    return new InferRequest(
        request.call(),
        request.inputs(),
        List.of(),
        new WatchedReply(request, comparison),
        request);
  }

  private void compare(Comparison comparison, Findings mine, Findings its) {
    try {
      boolean isVector = mine instanceof Findings.Vector;
      counts.compared(comparison.id, Difference.of(mine, its, plan), isVector);
    } catch (RuntimeException e) {
      LOG.warn("shadow '{}' cannot be compared: {}", plan.arm().name(), e.getMessage());
      counts.failed();
    }
  }

  /** What both said of one picture; the later one has them compared. Thread-safe. */
  private final class Comparison {
    private final String id;
    private final ReentrantLock lock = new ReentrantLock();
    private @Nullable Findings first; // guarded by lock
    private boolean over; // guarded by lock: nothing more is to come of it

    Comparison(String id) {
      this.id = id;
    }

    void model(Findings findings) {
      Findings shadow = meet(findings);
      if (shadow != null) {
        setup.threads.execute(() -> compare(this, findings, shadow));
      }
    }

    void shadow(Findings findings) {
      Findings mine = meet(findings);
      if (mine != null) {
        setup.threads.execute(() -> compare(this, mine, findings));
      }
    }

    private @Nullable Findings meet(Findings findings) {
      lock.lock();
      try {
        Findings met = over ? null : first;
        first = findings;
        return met;
      } finally {
        lock.unlock();
      }
    }

    void drop() {
      lock.lock();
      try {
        over = true;
      } finally {
        lock.unlock();
      }
    }
  }

  /** Passes the model's outcome on, and takes down what it says. */
  private final class WatchedReply implements Reply {
    private final InferRequest request;
    private final Comparison comparison;

    WatchedReply(InferRequest request, Comparison comparison) {
      this.request = request;
      this.comparison = comparison;
    }

    @Override
    public void respond(InferResponse response) {
      try {
        comparison.model(Findings.of(model.task(), response));
      } catch (RuntimeException e) {
        LOG.warn("model '{}': an answer cannot be compared: {}", model.name(), e.getMessage());
        comparison.drop();
      }
      request.hold(response);
    }

    @Override
    public void fail(Failure failure) {
      comparison.drop();
      request.hold(failure);
    }

    @Override
    public void flush() {
      request.reply().flush();
    }

    @Override
    public Object group() {
      return request.reply().group();
    }
  }

  /** Takes down what the shadow says. */
  private final class CopyReply implements Reply {
    private final Comparison comparison;

    CopyReply(Comparison comparison) {
      this.comparison = comparison;
    }

    @Override
    public void respond(InferResponse response) {
      setup.permits.release();
      try (response) {
        comparison.shadow(Findings.of(model.task(), response));
      } catch (RuntimeException e) {
        LOG.warn("shadow '{}': no answer of that kind: {}", plan.arm().name(), e.getMessage());
        failed();
      }
    }

    @Override
    public void fail(Failure failure) {
      setup.permits.release();
      LOG.debug("shadow '{}' failed: {}", plan.arm().name(), failure);
      failed();
    }

    private void failed() {
      comparison.drop();
      counts.failed();
    }
  }
}
