package dev.nereid.app;

import dev.nereid.backend.BackendProvider;
import dev.nereid.backend.Batch;
import dev.nereid.backend.IdentityProvider;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.ModelContext;
import dev.nereid.backend.Placement;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Tensor;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;

/**
 * The back end {@code recording}: {@code identity} on FP32 that remembers what it executed, and can
 * be held in the middle of an execution. Found by {@link java.util.ServiceLoader} like any other.
 */
public final class RecordingProvider implements BackendProvider {
  private static final List<Execution> EXECUTED = Collections.synchronizedList(new ArrayList<>());
  private static volatile CountDownLatch gate = new CountDownLatch(0);

  /**
   * One execution.
   *
   * @param requests the inputs of each, by name, and what they held
   */
  record Execution(String model, List<SortedMap<String, List<Float>>> requests) {}

  /** Executions end no more, until they are let go. */
  static void hold() {
    gate = new CountDownLatch(1);
  }

  static void letGo() {
    gate.countDown();
  }

  /** What was executed since it was forgotten, in the order in which it began. */
  static List<Execution> executed() {
    synchronized (EXECUTED) {
      return List.copyOf(EXECUTED);
    }
  }

  /** What one model executed. */
  static List<Execution> executed(String model) {
    return executed().stream().filter(execution -> execution.model().equals(model)).toList();
  }

  static void forget() {
    EXECUTED.clear();
  }

  @Override
  public String name() {
    return "recording";
  }

  @Override
  public Model open(ModelContext context) {
    String name = context.config().getName();
    Model echo = new IdentityProvider().open(context);
    return new Model() {
      @Override
      public Instance newInstance(Placement placement) {
        Instance instance = echo.newInstance(placement);
        return batch -> {
          EXECUTED.add(new Execution(name, inputs(batch)));
          awaitGate();
          instance.execute(batch);
        };
      }

      @Override
      public void close() {
        echo.close();
      }
    };
  }

  private static List<SortedMap<String, List<Float>>> inputs(Batch batch) {
    List<SortedMap<String, List<Float>>> all = new ArrayList<>();
    for (InferRequest request : batch.requests()) {
      SortedMap<String, List<Float>> inputs = new TreeMap<>();
      for (Tensor input : request.inputs()) {
        inputs.put(input.name(), values(input));
      }
      all.add(inputs);
    }
    return all;
  }

  private static List<Float> values(Tensor tensor) {
    FloatBuffer floats = tensor.bytes().asFloatBuffer();
    List<Float> values = new ArrayList<>();
    while (floats.hasRemaining()) {
      values.add(floats.get());
    }
    return values;
  }

  private static void awaitGate() {
    try {
      gate.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
