package dev.nereid.gateway;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelEnsembling;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.Reply;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import dev.nereid.core.Timings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way through an ensemble whose steps run here and there.
 *
 * <p><b>Ownership.</b> Tensors are held in shares of the run's own until no step that is still to
 * come reads them. <b>Threading.</b> Steps end on any thread; {@code stepping} guards what they
 * share and is never held while a step or the request is called.
 */
final class ImageEnsembleRun {
  private final ModelConfig config;
  private final InferRequest request;
  private final ImageEnsembles.StepTargets targets;
  private final Ticker ticker;
  private final long startedNanos;
  private final ReentrantLock stepping = new ReentrantLock();

  // guarded by stepping
  private final Map<String, Tensor> tensors = new HashMap<>();
  private final List<ModelEnsembling.Step> unsent;
  private final List<Timings.Step> timings = new ArrayList<>();
  private int inFlight;
  private boolean over;

  ImageEnsembleRun(
      ModelConfig config, InferRequest request, ImageEnsembles.StepTargets targets, Ticker ticker) {
    this.config = config;
    this.request = request;
    this.targets = targets;
    this.ticker = ticker;
    startedNanos = ticker.nanos();
    unsent = new ArrayList<>(config.getEnsembleScheduling().getStepList());
  }

  void start() {
    stepping.lock();
    try {
      for (Tensor input : request.inputs()) {
        tensors.put(input.name(), input.in(input.lease().share()));
      }
    } finally {
      stepping.unlock();
    }
    proceed();
  }

  /** Sends every step whose inputs are there; answers when nothing is left to wait for. */
  private void proceed() {
    List<InferRequest> ready = new ArrayList<>(2);
    boolean end;
    stepping.lock();
    try {
      if (over) {
        return;
      }
      if (!request.isCancelled()) {
        for (ModelEnsembling.Step step : List.copyOf(unsent)) {
          if (tensors.keySet().containsAll(step.getInputMapMap().values())) {
            unsent.remove(step);
            ready.add(requestOf(step));
          }
        }
        inFlight += ready.size();
        dropUnread();
      }
      end = inFlight == 0;
    } finally {
      stepping.unlock();
    }
    ready.forEach(targets::infer);
    if (end) {
      finish(request.isCancelled() ? Fault.CANCELLED.with("the caller withdrew") : null);
    }
  }

  private InferRequest requestOf(ModelEnsembling.Step step) {
    List<Tensor> inputs = new ArrayList<>();
    List<Lease> leases = new ArrayList<>();
    step.getInputMapMap()
        .forEach(
            (input, name) -> {
              Tensor tensor = tensors.get(name);
              if (tensor != null) {
                Lease share = tensor.lease().share();
                leases.add(share);
                inputs.add(tensor.in(share).renamed(input));
              }
            });
    InferRequest.Call asked =
        request
            .call()
            .step(
                step.getModelName(),
                step.getModelVersion() <= 0 ? -1 : step.getModelVersion(),
                step.getOutputMapMap().keySet());
    return new InferRequest(asked, inputs, leases, new StepReply(step), request);
  }

  /** Lets tensors go that neither a step to come nor the answer needs. */
  private void dropUnread() {
    tensors
        .values()
        .removeIf(
            tensor -> {
              boolean needed =
                  isOutput(tensor.name())
                      || unsent.stream()
                          .anyMatch(step -> step.getInputMapMap().containsValue(tensor.name()));
              if (!needed) {
                tensor.lease().close();
              }
              return !needed;
            });
  }

  private boolean isOutput(String tensor) {
    return config.getOutputList().stream().anyMatch(output -> output.getName().equals(tensor));
  }

  /** Where the outcome of a step goes. */
  private final class StepReply implements Reply {
    private final ModelEnsembling.Step step;

    StepReply(ModelEnsembling.Step step) {
      this.step = step;
    }

    @Override
    public void respond(InferResponse response) {
      stepping.lock();
      try {
        inFlight--;
        timings.add(new Timings.Step(step.getModelName(), response.timings()));
        for (Tensor output : response.outputs()) {
          String name = step.getOutputMapMap().get(output.name());
          if (!over && name != null) {
            tensors.put(name, output.in(output.lease().share()).renamed(name));
          }
        }
      } finally {
        stepping.unlock();
      }
      response.close();
      proceed();
    }

    @Override
    public void fail(Failure failure) {
      finish(failure.prefixed("in ensemble '" + config.getName() + "', "));
    }
  }

  /** Gives the outcome, unless it was given already. */
  private void finish(@Nullable Failure failure) {
    Map<String, Tensor> left;
    stepping.lock();
    try {
      if (over) {
        return;
      }
      over = true;
      left = Map.copyOf(tensors);
      tensors.clear();
    } finally {
      stepping.unlock();
    }
    if (failure == null) {
      answer(left);
    } else {
      left.values().forEach(tensor -> tensor.lease().close());
      request.fail(failure);
    }
  }

  private void answer(Map<String, Tensor> made) {
    List<Tensor> outputs = new ArrayList<>();
    List<Lease> unused = new ArrayList<>();
    made.forEach(
        (name, tensor) -> {
          if (isOutput(name) && isAsked(name)) {
            outputs.add(tensor);
          } else {
            unused.add(tensor.lease());
          }
        });
    unused.forEach(Lease::close);
    for (ModelOutput output : config.getOutputList()) {
      if (isAsked(output.getName()) && !made.containsKey(output.getName())) {
        outputs.forEach(tensor -> tensor.lease().close());
        request.fail(
            Fault.INTERNAL.with(
                "in ensemble '%s', output '%s' was made by no step"
                    .formatted(config.getName(), output.getName())));
        return;
      }
    }
    long now = ticker.nanos();
    request.respond(
        new InferResponse(
            config.getName(),
            1,
            request.call().id(),
            Map.of(),
            outputs,
            outputs.stream().map(Tensor::lease).toList(),
            Timings.ofEnsemble(startedNanos, now, steps())));
  }

  private List<Timings.Step> steps() {
    stepping.lock();
    try {
      return List.copyOf(timings);
    } finally {
      stepping.unlock();
    }
  }

  private boolean isAsked(String output) {
    List<RequestedOutput> asked = request.call().outputs();
    return asked.isEmpty() || asked.stream().anyMatch(each -> each.name().equals(output));
  }
}
