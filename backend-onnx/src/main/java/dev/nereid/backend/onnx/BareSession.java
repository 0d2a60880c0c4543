package dev.nereid.backend.onnx;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.nereid.backend.onnx.OnnxFile.Value;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.MemoryPool;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * ONNX Runtime alone, in a loop: the ceiling that a server is measured against. Inputs are made
 * once and outputs of known shape are written in place, so that nothing but the runtime costs.
 *
 * <p><b>Threading.</b> One measurement at a time; it starts its callers itself.
 */
public final class BareSession implements AutoCloseable {
  private final OrtSession session;
  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final List<Value> inputs;
  private final List<Value> outputs;

  private BareSession(OrtSession session) {
    this.session = session;
    inputs = Sessions.inputs(session);
    outputs = Sessions.outputs(session);
  }

  /**
   * What to run.
   *
   * @param batch the first dimension of every input, where it is free; other free ones are 1
   * @param callers how many threads call at the same time, each in its own loop
   * @param warmUp not counted
   * @param length counted
   */
  public record Load(int batch, int callers, Duration warmUp, Duration length) {
    public Load {
      if (batch < 1 || callers < 1) {
        throw new IllegalArgumentException(
            "load: batch " + batch + ", callers " + callers + " (expected: 1 or more of each)");
      }
    }
  }

  /**
   * Opens a model.
   *
   * @param path the file, or a directory that holds {@code model.onnx}
   * @param threads for one run
   * @param spinning whether threads that wait for work burn their core, as is the runtime's default
   * @throws FaultException when the file cannot be opened
   */
  public static BareSession open(Path path, int threads, boolean spinning) {
    try (OrtSession.SessionOptions options = Sessions.newOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.addConfigEntry("session.intra_op.allow_spinning", spinning ? "1" : "0");
      return new BareSession(Sessions.open(OnnxFile.locate(path), options));
    } catch (OrtException e) {
      throw Sessions.unexpected(e);
    }
  }

  /** Rows per second, over all callers. */
  public double itemsPerSecond(Load load) {
    try (ExecutorService threads = Executors.newFixedThreadPool(load.callers())) {
      loop(threads, load, load.warmUp());
      return loop(threads, load, load.length());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FaultException(Fault.CANCELLED.with("measurement: interrupted"), e);
    }
  }

  private double loop(ExecutorService threads, Load load, Duration length)
      throws InterruptedException {
    List<Future<Double>> rates = new ArrayList<>();
    for (int i = 0; i < load.callers(); i++) {
      rates.add(threads.submit(() -> rate(load.batch(), length)));
    }
    double sum = 0;
    for (Future<Double> rate : rates) {
      try {
        sum += rate.get();
      } catch (ExecutionException e) {
        throw e.getCause() instanceof FaultException fault
            ? fault
            : new FaultException(Fault.BACKEND_FAILED.with(String.valueOf(e.getMessage())), e);
      }
    }
    return sum;
  }

  private double rate(int batch, Duration length) {
    try (BareLoop loop = new BareLoop(session, inputs, outputs, batch, memory)) {
      long rows = 0;
      long started = System.nanoTime();
      long elapsed = 0;
      while (elapsed < length.toNanos()) {
        loop.run();
        rows += batch;
        elapsed = System.nanoTime() - started;
      }
      return elapsed == 0 ? 0 : rows * 1e9 / elapsed;
    }
  }

  @Override
  public void close() {
    Sessions.close(session);
    memory.close();
  }
}
