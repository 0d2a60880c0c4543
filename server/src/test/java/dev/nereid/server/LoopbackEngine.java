package dev.nereid.server;

import dev.nereid.config.ModelSpec;
import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Labelling;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import dev.nereid.core.Timings;
import dev.nereid.engine.Engine;
import dev.nereid.engine.IndexEntry;
import dev.nereid.engine.LoadParameters;
import dev.nereid.engine.LoadReport;
import dev.nereid.engine.ModelIdentity;
import dev.nereid.engine.ModelStatistics;
import dev.nereid.engine.ModelStatistics.BatchStatistics;
import dev.nereid.engine.ModelStatistics.Phase;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An engine with a model {@code echo} that answers each input {@code NAME} as {@code NAME_OUT}, on
 * a thread of its own; {@code broken}, which fails; and {@code loading}, which is not ready. Tests
 * can hold its thread back. Thread-safe.
 */
final class LoopbackEngine implements Engine {
  private static final Labelling LABELS =
      new Labelling() {
        @Override
        public boolean batching() {
          return true;
        }

        @Override
        public List<String> labels(String output) {
          return List.of("cat", "dog");
        }
      };

  final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  final AtomicInteger executed = new AtomicInteger();
  final AtomicInteger cancelled = new AtomicInteger();
  final ConcurrentLinkedQueue<InferRequest> received = new ConcurrentLinkedQueue<>();
  final ConcurrentLinkedQueue<String> calls = new ConcurrentLinkedQueue<>();
  private final Semaphore gate = new Semaphore(Integer.MAX_VALUE / 2);
  private final ExecutorService instance = Executors.newSingleThreadExecutor();
  volatile boolean live = true;
  volatile boolean ready = true;

  /** Lets no request through until {@link #release}. */
  void hold() {
    gate.drainPermits();
  }

  void release() {
    gate.release(Integer.MAX_VALUE / 4);
  }

  @Override
  public void infer(InferRequest request) {
    received.add(request);
    String model = request.call().model();
    try {
      requireKnown(model, request.call().version());
    } catch (FaultException e) {
      request.fail(e.failure());
      return;
    }
    if (model.equals("broken")) {
      request.fail(Fault.BACKEND_FAILED.with("the back end broke"));
      return;
    }
    request.reply().takenBy(LABELS);
    instance.execute(() -> run(request));
  }

  private void run(InferRequest request) {
    gate.acquireUninterruptibly();
    if (request.isCancelled()) {
      cancelled.incrementAndGet();
      request.fail(Fault.CANCELLED.with("cancelled"));
      return;
    }
    executed.incrementAndGet();
    List<Tensor> outputs = new ArrayList<>();
    List<Lease> leases = new ArrayList<>();
    for (Tensor input : request.inputs()) {
      String name = input.name() + "_OUT";
      List<RequestedOutput> wanted = request.call().outputs();
      if (wanted.isEmpty() || wanted.stream().anyMatch(output -> output.name().equals(name))) {
        Lease share = input.lease().share();
        leases.add(share);
        outputs.add(input.renamed(name).in(share));
      }
    }
    request.respond(
        new InferResponse(
            request.call().model(),
            request.call().version() < 0 ? 3 : request.call().version(),
            request.call().id(),
            request.call().parameters(),
            outputs,
            leases,
            Timings.NONE));
  }

  @Override
  public void inferAll(List<InferRequest> requests) {
    requests.forEach(this::infer);
  }

  @Override
  public boolean isLive() {
    return live;
  }

  @Override
  public void withdraw() {}

  @Override
  public boolean isWithdrawn() {
    return false;
  }

  @Override
  public boolean isReady() {
    return ready;
  }

  @Override
  public boolean isReady(String model, long version) {
    requireKnown(model, version);
    return !model.equals("loading");
  }

  @Override
  public List<Long> versions(String model, long version) {
    requireKnown(model, version);
    return version < 0 ? List.of(1L, 3L) : List.of(version);
  }

  private static void requireKnown(String model, long version) {
    if (!List.of("echo", "broken", "loading").contains(model)) {
      throw FaultException.of(
          Fault.NOT_FOUND, "Request for unknown model: '" + model + "' is not found");
    }
    if (version > 3) {
      throw FaultException.of(
          Fault.NOT_FOUND,
          "Request for unknown model: '" + model + "' version " + version + " is not found");
    }
  }

  @Override
  public ModelConfig config(String model, long version) {
    requireKnown(model, version);
    return ModelConfig.newBuilder()
        .setName(model)
        .setBackend("identity")
        .setMaxBatchSize(8)
        .addInput(ModelInput.newBuilder().setName("x").setDataType(DataType.TYPE_FP32).addDims(-1))
        .addOutput(
            ModelOutput.newBuilder().setName("x_OUT").setDataType(DataType.TYPE_FP32).addDims(-1))
        .build();
  }

  @Override
  public ModelSpec spec(String model, long version) {
    return ModelSpec.of(config(model, version));
  }

  @Override
  public ModelIdentity identity(String model, long version) {
    throw new UnsupportedOperationException();
  }

  @Override
  public List<String> labels(String model, long version, String output) {
    return List.of("cat", "dog");
  }

  @Override
  public List<ModelStatistics> statistics(String model, long version) {
    if (!model.isEmpty() && !model.equals("echo")) {
      throw FaultException.of(
          Fault.INVALID_ARGUMENT, "requested model '" + model + "' is not available");
    }
    Phase some = new Phase(2, 5);
    return List.of(
        new ModelStatistics(
            "echo",
            3,
            7,
            4,
            2,
            some,
            Phase.NONE,
            some,
            some,
            some,
            some,
            Phase.NONE,
            Phase.NONE,
            List.of(new BatchStatistics(2, some, some, some))));
  }

  @Override
  public List<IndexEntry> index() {
    return List.of(
        new IndexEntry("echo", 3, IndexEntry.State.READY, "", ""),
        new IndexEntry("loading", 1, IndexEntry.State.LOADING, "", ""),
        new IndexEntry("never", 0, IndexEntry.State.UNKNOWN, "", ""));
  }

  @Override
  public boolean loadsOnRequest() {
    return true;
  }

  @Override
  public void load(String model, LoadParameters parameters) {
    requireKnown(model, -1);
    calls.add("load " + model + " " + parameters.config() + " " + parameters.files());
  }

  @Override
  public void unload(String model, boolean dependents) {
    calls.add("unload " + model + " " + dependents);
  }

  @Override
  public CompletableFuture<LoadReport> started() {
    return CompletableFuture.completedFuture(new LoadReport(index(), Duration.ZERO));
  }

  @Override
  public MemoryPool memory() {
    return memory;
  }

  @Override
  public Ticker ticker() {
    return Ticker.system();
  }

  @Override
  public boolean drain(Duration atMost) {
    return true;
  }

  @Override
  public void close() {
    instance.close();
    memory.close();
  }
}
