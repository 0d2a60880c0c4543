package dev.nereid.engine;

import dev.nereid.core.Failure;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.Reply;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Tensor;
import dev.nereid.telemetry.Metrics;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Models served inside a Java program, without a socket: the engine behind Nereid's servers, with
 * its batching, ensembles, statistics and metrics, for callers who have arrays.
 *
 * <p>Inputs are copied off the heap and outputs back; who has tensors off the heap already, or
 * wants to save the copies, uses {@link #engine}, which also loads and unloads.
 *
 * <p><b>Threading.</b> Safe for any number of threads. {@link #infer} never blocks.
 */
public final class EmbeddedEngine implements AutoCloseable {
  private final Metrics metrics;
  private final Engine engine;

  private EmbeddedEngine(Engine engine, Metrics metrics) {
    this.engine = engine;
    this.metrics = metrics;
  }

  /**
   * Opens repositories with the usual options and begins to load every model.
   *
   * @throws FaultException when a repository cannot be read
   */
  public static EmbeddedEngine open(Path... repositories) {
    return open(EngineOptions.of(repositories));
  }

  /**
   * Opens an engine and begins to load.
   *
   * @throws FaultException when a repository cannot be read
   */
  public static EmbeddedEngine open(EngineOptions options) {
    Metrics metrics = new Metrics();
    return new EmbeddedEngine(Engine.open(options, metrics), metrics);
  }

  /**
   * Waits until every model is ready or has failed.
   *
   * @throws IllegalStateException when that takes longer
   */
  public LoadReport awaitLoaded(Duration atMost) throws InterruptedException {
    try {
      return engine.started().get(atMost.toNanos(), TimeUnit.NANOSECONDS);
    } catch (TimeoutException | ExecutionException e) {
      throw new IllegalStateException("models: not loaded (expected: within " + atMost + ")", e);
    }
  }

  /**
   * Asks for an inference.
   *
   * @return the answer, or a {@link FaultException}. It completes on the thread that owns the
   *     model's instance, so long work belongs into the {@code Async} methods. Cancelling it
   *     withdraws the request: if it has not begun, it does not run
   */
  public CompletableFuture<Inference.Result> infer(Inference inference) {
    Answer answer = new Answer();
    InferRequest request;
    try {
      request = request(inference, answer);
    } catch (FaultException e) {
      answer.completeExceptionally(e);
      return answer;
    }
    answer.request = request;
    engine.infer(request);
    return answer;
  }

  private InferRequest request(Inference inference, Answer answer) {
    long now = engine.ticker().nanos();
    boolean endless = inference.timeout().isZero();
    var call =
        new InferRequest.Call(
            inference.model(),
            inference.version(),
            "",
            inference.parameters(),
            inference.outputs().stream().map(name -> new RequestedOutput(name, 0)).toList(),
            0,
            0,
            now,
            endless ? Long.MAX_VALUE : now + inference.timeout().toNanos());
    List<Tensor> inputs = new ArrayList<>(inference.inputs().size());
    List<Lease> leases = new ArrayList<>(inference.inputs().size());
    try {
      for (TensorData input : inference.inputs()) {
        int length = input.data().remaining();
        Lease lease = engine.memory().take(length);
        leases.add(lease);
        lease.bytes().put(input.data());
        inputs.add(new Tensor(input.name(), input.type(), input.shape(), lease, 0, length));
      }
    } catch (FaultException e) {
      leases.forEach(Lease::close);
      throw e;
    }
    return new InferRequest(call, inputs, leases, answer);
  }

  /** What a model did since it was loaded, one entry for each version. */
  public List<ModelStatistics> statistics(String model) {
    return engine.statistics(model, -1);
  }

  /** All numbers as of now, in the Prometheus text format. */
  public String metrics() {
    return metrics.scrape();
  }

  /** The engine itself: configurations, the index, loading, unloading, requests off the heap. */
  public Engine engine() {
    return engine;
  }

  /** Lets what runs finish, fails what waits, and unloads every model. */
  @Override
  public void close() {
    engine.close();
  }

  /** A future that takes an outcome and withdraws its request when it is cancelled. */
  private static final class Answer extends CompletableFuture<Inference.Result> implements Reply {
    private volatile @Nullable InferRequest request;

    @Override
    public void respond(InferResponse response) {
      try (response) {
        complete(
            new Inference.Result(
                response.model(),
                response.version(),
                response.outputs().stream().map(TensorData::copyOf).toList()));
      } catch (RuntimeException e) {
        completeExceptionally(e);
      }
    }

    @Override
    public void fail(Failure failure) {
      completeExceptionally(failure.exception());
    }

    @Override
    public boolean cancel(boolean mayInterruptIfRunning) {
      InferRequest asked = request;
      if (asked != null) {
        asked.cancel();
      }
      return super.cancel(mayInterruptIfRunning);
    }
  }
}
