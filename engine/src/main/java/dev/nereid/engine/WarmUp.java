package dev.nereid.engine;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.config.ModelSpec;
import dev.nereid.config.RequestCheck;
import dev.nereid.config.TensorSpec;
import dev.nereid.config.proto.ModelWarmup;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs the samples of a configuration's {@code model_warmup} on an instance, in their order, before
 * it takes requests. A sample of batch size n is n requests of one row, as clients would send them.
 * Nothing of it is counted in statistics.
 *
 * <p><b>Threading.</b> Given to several instances at once. <b>Ownership.</b> Holds the samples'
 * data until closed.
 */
final class WarmUp implements Consumer<Instance>, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(WarmUp.class);

  private final ModelSpec spec;
  private final MemoryPool memory;
  private final Ticker ticker;
  private final LoadAttempt attempt;
  private final List<Sample> samples = new ArrayList<>();

  private record Sample(String name, int batchSize, int count, List<Tensor> inputs) {}

  private WarmUp(ModelSpec spec, MemoryPool memory, Ticker ticker, LoadAttempt attempt) {
    this.spec = spec;
    this.memory = memory;
    this.ticker = ticker;
    this.attempt = attempt;
  }

  /**
   * The warm-up that a configuration asks for.
   *
   * @param directory of the model
   * @throws FaultException that names the sample when its data cannot be made
   */
  static WarmUp of(
      ModelSpec spec, Path directory, MemoryPool memory, Ticker ticker, LoadAttempt attempt) {
    WarmUp warmUp = new WarmUp(spec, memory, ticker, attempt);
    WarmUpData data = new WarmUpData(directory, memory);
    for (ModelWarmup each : spec.config().getModelWarmupList()) {
      if (each.getBatchSize() == 0) {
        LOG.warn(
            "model '{}': warm-up sample '{}' of batch size 0 is skipped",
            spec.name(),
            each.getName());
        continue;
      }
      try {
        warmUp.add(each, data);
      } catch (FaultException e) {
        warmUp.close();
        throw failed(each.getName(), e.failure());
      }
    }
    return warmUp;
  }

  private void add(ModelWarmup each, WarmUpData data) {
    List<Tensor> inputs = new ArrayList<>();
    samples.add(
        new Sample(each.getName(), each.getBatchSize(), Math.max(1, each.getCount()), inputs));
    each.getInputsMap()
        .forEach((name, input) -> inputs.add(data.tensor(name, input, spec.batching())));
  }

  private static FaultException failed(String sample, Failure failure) {
    return new FaultException(failure.prefixed("failed to run warmup sample '" + sample + "': "));
  }

  @Override
  public void accept(Instance instance) {
    for (Sample sample : samples) {
      for (int i = 0; i < sample.count; i++) {
        Failure failure = run(instance, sample);
        if (failure != null) {
          throw failed(sample.name, failure);
        }
      }
    }
  }

  private @Nullable Failure run(Instance instance, Sample sample) {
    List<InferRequest> requests = new ArrayList<>(sample.batchSize);
    try {
      for (int i = 0; i < sample.batchSize; i++) {
        InferRequest request = request(sample);
        requests.add(request);
        Failure failure = RequestCheck.check(spec, request);
        if (failure != null) {
          return failure;
        }
      }
      return attempt.isGivenUp()
          ? Fault.CANCELLED.with("the load was given up")
          : execute(instance, requests);
    } finally {
      Failure over = Fault.CANCELLED.with("warm-up is over");
      requests.forEach(request -> request.fail(over));
    }
  }

  private InferRequest request(Sample sample) {
    List<Tensor> inputs = new ArrayList<>(sample.inputs.size());
    List<Lease> leases = new ArrayList<>(sample.inputs.size());
    for (Tensor each : sample.inputs) {
      Lease share = each.lease().share();
      leases.add(share);
      inputs.add(each.in(share));
    }
    var call =
        new InferRequest.Call(
            spec.name(),
            -1,
            sample.name,
            Map.of(),
            List.of(),
            0,
            0,
            ticker.nanos(),
            Long.MAX_VALUE);
    return new InferRequest(call, inputs, leases, LoadAttempt.Nobody.WAITS, attempt.parent());
  }

  private @Nullable Failure execute(Instance instance, List<InferRequest> requests) {
    Batch batch = new Batch(requests, spec.batching(), memory, ticker);
    try {
      instance.execute(batch);
    } catch (FaultException e) {
      batch.failRest(e.failure());
    } catch (Throwable e) { // a back end's defect is the reason of a failed load
      LOG.error("model '{}': warm-up failed", spec.name(), e);
      batch.failRest(Fault.BACKEND_FAILED.with(e.toString()));
    }
    batch.releaseInputs();
    Failure first = null;
    for (int i = 0; i < requests.size(); i++) {
      Failure failure = batch.failureOf(i);
      if (failure == null) {
        failure = misfit(batch.outputsOf(i));
      }
      first = first == null ? failure : first;
      batch.leasesOf(i).forEach(Lease::close);
    }
    return first;
  }

  /** What is wrong with the outputs of one request; null when nothing is. */
  private @Nullable Failure misfit(List<Tensor> outputs) {
    for (TensorSpec expected : spec.outputs()) {
      Tensor output = null;
      for (Tensor each : outputs) {
        output = each.name().equals(expected.name()) ? each : output;
      }
      if (output == null) {
        return Fault.BACKEND_FAILED.with("output '" + expected.name() + "': not given");
      }
      if (output.type() != expected.type()) {
        return Fault.BACKEND_FAILED.with(
            "output '%s': %s (expected: %s)"
                .formatted(expected.name(), output.type(), expected.type()));
      }
    }
    return null;
  }

  @Override
  public void close() {
    for (Sample sample : samples) {
      sample.inputs.forEach(input -> input.lease().close());
    }
    samples.clear();
  }
}
