package dev.nereid.scheduler;

import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.Reply;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Tensor;
import dev.nereid.core.Timings;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way through an ensemble.
 *
 * <p><b>Ownership.</b> Tensors are held in shares of the run's own, from when they are made until
 * every step that reads them was sent (each takes a share) or the run ends.
 *
 * <p><b>Threading.</b> Steps end on the threads of their instances, several at once; {@code
 * stepping} guards what they share. It is never held while another model or a reply is called.
 */
final class EnsembleRun {
  private final EnsembleScheduler ensemble;
  private final InferRequest request;
  private final long startedNanos;
  private final ReentrantLock stepping = new ReentrantLock();

  // guarded by stepping
  private final Map<String, Tensor> tensors = new HashMap<>();
  private final Map<String, Integer> readers = new HashMap<>();
  private final BitSet unsent;
  private int inFlight;
  private boolean ended;
  private final List<Timings.Step> timings = new ArrayList<>(4);

  EnsembleRun(EnsembleScheduler ensemble, InferRequest request) {
    this.ensemble = ensemble;
    this.request = request;
    startedNanos = ensemble.ticker().nanos();
    unsent = ensemble.plan().needed(request.call().outputs());
  }

  /** Sends the steps that need the request's inputs only. */
  void start() {
    stepping.lock();
    try {
      countReaders();
      for (Tensor input : request.inputs()) {
        keep(input.in(input.lease().share()));
      }
    } finally {
      stepping.unlock();
    }
    proceed(0);
  }

  private void countReaders() {
    EnsemblePlan plan = ensemble.plan();
    for (EnsemblePlan.Step step : plan.steps()) {
      if (unsent.get(step.index())) {
        step.inputs().forEach(edge -> readers.merge(edge.tensor(), 1, Integer::sum));
      }
    }
    if (request.call().outputs().isEmpty()) {
      plan.outputs().forEach(output -> readers.merge(output, 1, Integer::sum));
    } else {
      request.call().outputs().forEach(output -> readers.merge(output.name(), 1, Integer::sum));
    }
  }

  /** Keeps a tensor, whose lease the run owns from now on; one that nobody reads is let go. */
  private void keep(Tensor tensor) {
    if (readers.containsKey(tensor.name()) && !tensors.containsKey(tensor.name())) {
      tensors.put(tensor.name(), tensor);
    } else {
      tensor.lease().close();
    }
  }

  /**
   * Sends every step whose inputs are there, or ends the run when nothing is left to wait for.
   *
   * @param done steps that have just ended; counted together with what follows from them, so that
   *     exactly one thread sees the last one go
   */
  private void proceed(int done) {
    List<EnsemblePlan.Step> ready = new ArrayList<>(2);
    List<InferRequest> requests = new ArrayList<>(2);
    boolean end;
    stepping.lock();
    try {
      inFlight -= done;
      if (!ended && !request.isCancelled()) {
        sendable(ready, requests);
        inFlight += ready.size();
      }
      end = inFlight == 0;
    } finally {
      stepping.unlock();
    }
    for (int i = 0; i < ready.size(); i++) {
      ensemble.hold(ready.get(i), requests.get(i));
    }
    if (end) {
      end();
    }
  }

  private void sendable(List<EnsemblePlan.Step> ready, List<InferRequest> requests) {
    List<EnsemblePlan.Step> steps = ensemble.plan().steps();
    for (int i = unsent.nextSetBit(0); i >= 0; i = unsent.nextSetBit(i + 1)) {
      EnsemblePlan.Step step = steps.get(i);
      if (hasInputs(step)) {
        unsent.clear(i);
        ready.add(step);
        requests.add(requestOf(step));
      }
    }
  }

  private boolean hasInputs(EnsemblePlan.Step step) {
    for (EnsemblePlan.Edge edge : step.inputs()) {
      if (!tensors.containsKey(edge.tensor()) && !isLeftOut(edge.tensor())) {
        return false;
      }
    }
    return true;
  }

  /** Whether a tensor is an optional input of the ensemble that the caller did not give. */
  private boolean isLeftOut(String tensor) {
    return !ensemble.plan().makers().containsKey(tensor) && request.input(tensor) == null;
  }

  private InferRequest requestOf(EnsemblePlan.Step step) {
    List<Tensor> inputs = new ArrayList<>(step.inputs().size());
    List<Lease> leases = new ArrayList<>(step.inputs().size());
    for (EnsemblePlan.Edge edge : step.inputs()) {
      Tensor tensor = tensors.get(edge.tensor());
      if (tensor != null) {
        Lease share = tensor.lease().share();
        leases.add(share);
        inputs.add(tensor.in(share).renamed(edge.input()));
        read(edge.tensor());
      }
    }
    return new InferRequest(
        request.call().step(step.model(), step.version(), step.outputs().keySet()),
        inputs,
        leases,
        new StepReply(step),
        request);
  }

  /** Lets a tensor go when this was its last reader. */
  private void read(String name) {
    if (readers.merge(name, -1, Integer::sum) == 0) {
      Tensor tensor = tensors.get(name);
      if (tensor != null) {
        tensor.lease().close();
      }
    }
  }

  /** Where the outcome of a step goes. */
  private final class StepReply implements Reply {
    private final EnsemblePlan.Step step;

    StepReply(EnsemblePlan.Step step) {
      this.step = step;
    }

    @Override
    public void respond(InferResponse response) {
      stepping.lock();
      try {
        timings.add(new Timings.Step(step.model(), response.timings()));
        if (!ended) {
          for (Tensor output : response.outputs()) {
            String tensor = step.outputs().get(output.name());
            if (tensor != null) {
              keep(output.in(output.lease().share()).renamed(tensor));
            }
          }
        }
      } finally {
        stepping.unlock();
      }
      response.close();
      proceed(1);
    }

    @Override
    public void fail(Failure failure) {
      finish(failure.prefixed("in ensemble '" + ensemble.name() + "', "));
      proceed(1);
    }

    @Override
    public void flush() {
      ensemble.flush();
    }

    @Override
    public Object group() {
      return ensemble;
    }
  }

  /** Called when no step is in flight: every step that could run has. */
  private void end() {
    if (request.isCancelled()) {
      finish(Fault.CANCELLED.with("request was cancelled between steps"));
    } else {
      finish(null);
    }
    ensemble.left();
  }

  /** Gives the outcome, unless it was given already. */
  private void finish(@Nullable Failure failure) {
    Map<String, Tensor> left;
    List<Tensor> outputs = List.of();
    Failure outcome = failure;
    stepping.lock();
    try {
      if (ended) {
        return;
      }
      ended = true;
      left = Map.copyOf(tensors);
      if (outcome == null) {
        outputs = outputs();
        if (outputs.size() < wanted()) {
          outcome =
              Fault.INTERNAL.with(
                  "in ensemble '"
                      + ensemble.name()
                      + "', unexpected deadlock, at least one output is not set while no more"
                      + " ensemble steps can be made");
        }
      }
    } finally {
      stepping.unlock();
    }
    if (outcome != null) {
      left.values().forEach(tensor -> tensor.lease().close());
      ensemble.statistics().failed(outcome.fault(), ensemble.ticker().nanos() - startedNanos);
      request.hold(outcome);
    } else {
      left.values().stream().filter(tensor -> !isOutput(tensor)).forEach(t -> t.lease().close());
      respond(outputs);
    }
    ensemble.answered(request.reply());
  }

  private int wanted() {
    List<RequestedOutput> requested = request.call().outputs();
    return requested.isEmpty() ? ensemble.plan().outputs().size() : requested.size();
  }

  private boolean isOutput(Tensor tensor) {
    List<RequestedOutput> requested = request.call().outputs();
    return requested.isEmpty()
        ? ensemble.plan().outputs().contains(tensor.name())
        : requested.stream().anyMatch(output -> output.name().equals(tensor.name()));
  }

  private List<Tensor> outputs() {
    List<Tensor> outputs = new ArrayList<>();
    for (String name : ensemble.plan().outputs()) {
      Tensor tensor = tensors.get(name);
      if (tensor != null && isOutput(tensor)) {
        outputs.add(tensor);
      }
    }
    return outputs;
  }

  private void respond(List<Tensor> outputs) {
    // No step is in flight: the list has settled.
    Timings times = Timings.ofEnsemble(startedNanos, ensemble.ticker().nanos(), timings);
    int rows =
        request.inputs().isEmpty() || request.inputs().getFirst().shape().rank() == 0
            ? 1
            : (int) request.inputs().getFirst().shape().dim(0);
    ensemble.statistics().ensembleAnswered(rows, times);
    request.hold(
        new InferResponse(
            ensemble.name(),
            ensemble.version(),
            request.call().id(),
            Map.of(),
            outputs,
            outputs.stream().map(Tensor::lease).toList(),
            times));
  }
}
