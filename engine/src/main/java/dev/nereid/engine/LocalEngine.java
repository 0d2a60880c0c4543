package dev.nereid.engine;

import dev.nereid.config.ModelSpec;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.engine.EngineOptions.ControlMode;
import dev.nereid.repository.ModelRepository;
import dev.nereid.repository.RepositorySnapshot;
import dev.nereid.scheduler.ModelScheduler;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The engine in this process. */
final class LocalEngine implements Engine {
  private static final Logger LOG = LoggerFactory.getLogger(LocalEngine.class);

  /** How often waiting requests are looked through while every instance is busy. */
  private static final long SWEEP_MILLIS = 20;

  private final EngineOptions options;
  private final Ticker ticker;
  private final MemoryPool memory;
  private final ModelCatalog catalog;
  private final SharedResources shared;
  private final VersionOpener opener;
  private final ModelControl control;
  private final RepositoryPoll poll;
  private final ScheduledExecutorService sweeping;
  private final ScheduledExecutorService polling;
  private final CompletableFuture<LoadReport> started = new CompletableFuture<>();
  private volatile boolean live = true;
  private volatile boolean withdrawn;

  private LocalEngine(
      EngineOptions options, ModelRepository repository, Metrics metrics, Ticker ticker) {
    this.options = options;
    this.ticker = ticker;
    memory = new MemoryPool(options.memory());
    shared = new SharedResources(options, memory, ticker, metrics);
    catalog = new ModelCatalog(metrics, memory, new EnsembleSchedulers(ticker, shared));
    var loader = new ModelLoader(options, memory, ticker, catalog::redirect, shared);
    opener = new VersionOpener(loader, options.control(), options.loadThreads());
    var loads = new ModelLoads(loader, catalog, opener, metrics, ticker);
    control = new ModelControl(options.control(), repository, loader, catalog, loads);
    poll = new RepositoryPoll(repository, catalog, control, ticker);
    sweeping = scheduled("sweep");
    polling = scheduled("poll");
    metrics.gauge(Meter.OPEN_LEASES, memory::openLeases);
    metrics.gauge(Meter.DIRECT_MEMORY_USED, memory::usedBytes);
    metrics.gauge(Meter.DIRECT_MEMORY_HELD, memory::heldBytes);
    metrics.register(sink -> sink.sample(Meter.DIRECT_MEMORY_REFUSALS, (double) memory.refusals()));
  }

  static LocalEngine open(EngineOptions options, Metrics metrics, Ticker ticker) {
    var repository = new ModelRepository(options.repositories(), options.modelConfigName());
    RepositorySnapshot found = repository.scan();
    found.warnings().forEach(LOG::warn);
    LocalEngine engine = new LocalEngine(options, repository, metrics, ticker);
    engine.start(found);
    return engine;
  }

  private static ScheduledExecutorService scheduled(String name) {
    return Executors.newSingleThreadScheduledExecutor(
        Thread.ofPlatform().name(name).daemon().factory());
  }

  private void start(RepositorySnapshot found) {
    long began = ticker.nanos();
    poll.begin(found);
    var _ =
        control
            .start(found.models())
            .whenComplete((_, _) -> report(Duration.ofNanos(ticker.nanos() - began)));
    var _ =
        sweeping.scheduleWithFixedDelay(
            this::sweep, SWEEP_MILLIS, SWEEP_MILLIS, TimeUnit.MILLISECONDS);
    if (options.control().mode() == ControlMode.POLL) {
      long every = options.control().pollEvery().toNanos();
      var _ = polling.scheduleWithFixedDelay(poll::look, every, every, TimeUnit.NANOSECONDS);
    }
  }

  private void report(Duration took) {
    started.complete(new LoadReport(entries(), took));
  }

  private List<IndexEntry> entries() {
    return catalog.all().values().stream()
        .flatMap(model -> model.entries().values().stream())
        .toList();
  }

  private void sweep() {
    try {
      for (ServedModel model : catalog.all().values()) {
        model.versions().values().forEach(version -> version.scheduler().sweep());
      }
    } catch (RuntimeException e) {
      LOG.error("sweeping the queues failed", e);
    }
  }

  @Override
  public void infer(InferRequest request) {
    ServedVersion version = find(request);
    if (version != null) {
      version.submit(List.of(request));
    }
  }

  @Override
  public void inferAll(List<InferRequest> requests) {
    forEachVersion(requests, ServedVersion::submit);
  }

  @Override
  public void inferInline(List<InferRequest> requests) {
    forEachVersion(requests, ServedVersion::submitInline);
  }

  /** Gives neighbours that are for one version to it together. */
  private void forEachVersion(
      List<InferRequest> requests, BiConsumer<ServedVersion, List<InferRequest>> submit) {
    if (requests.size() == 1) {
      ServedVersion only = find(requests.getFirst());
      if (only != null) {
        submit.accept(only, requests);
      }
      return;
    }
    ServedVersion current = null;
    List<InferRequest> together = new ArrayList<>(requests.size());
    for (int i = 0; i < requests.size(); i++) {
      ServedVersion version = find(requests.get(i));
      if (version == null) {
        continue;
      }
      if (current != null && current != version) {
        submit.accept(current, together);
        together = new ArrayList<>();
      }
      current = version;
      together.add(requests.get(i));
    }
    if (current != null) {
      submit.accept(current, together);
    }
  }

  /** The version a request is for; null when there is none, and then the request has failed. */
  private @Nullable ServedVersion find(InferRequest request) {
    if (!live) {
      request.fail(ModelScheduler.STOPPING);
      return null;
    }
    try {
      return catalog.require(request.call().model(), request.call().version());
    } catch (FaultException e) {
      request.fail(e.failure());
      return null;
    }
  }

  @Override
  public boolean isLive() {
    return live;
  }

  @Override
  public void withdraw() {
    withdrawn = true;
  }

  @Override
  public boolean isWithdrawn() {
    return withdrawn;
  }

  @Override
  public boolean isReady() {
    return live
        && !withdrawn
        && started.isDone()
        && (!options.strictReadiness()
            || catalog.all().values().stream().allMatch(ServedModel::isSound));
  }

  @Override
  public boolean isReady(String model, long version) {
    try {
      var _ = catalog.require(model, version);
      return live && !withdrawn;
    } catch (FaultException e) {
      // A model that is known and not served, because it was unloaded or has failed, is not ready.
      if (e.failure().fault() == Fault.NOT_READY
          || (version < 0 && catalog.all().containsKey(model))) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public List<Long> versions(String model, long version) {
    ServedModel served = catalog.require(model);
    long found = served.require(version).version();
    return version < 0 ? List.copyOf(served.versions().keySet()) : List.of(found);
  }

  @Override
  public ModelConfig config(String model, long version) {
    return catalog.require(model, version).spec().config();
  }

  @Override
  public ModelSpec spec(String model, long version) {
    return catalog.require(model, version).spec();
  }

  @Override
  public ModelIdentity identity(String model, long version) {
    return Identities.of(catalog, model, version);
  }

  @Override
  public List<String> labels(String model, long version, String output) {
    return catalog.require(model, version).labels().getOrDefault(output, List.of());
  }

  @Override
  public List<ModelStatistics> statistics(String model, long version) {
    return StatisticsView.of(catalog, model, version);
  }

  @Override
  public List<IndexEntry> index() {
    Collection<String> loadable = control.loadable();
    TreeMap<String, Collection<IndexEntry>> byName = new TreeMap<>();
    for (String name : loadable) {
      byName.put(name, List.of(new IndexEntry(name, 0, IndexEntry.State.UNKNOWN, "", "")));
    }
    for (ServedModel model : catalog.all().values()) {
      if (model.isKnown() || loadable.contains(model.name())) {
        byName.put(model.name(), model.entries().values());
      }
    }
    return byName.values().stream().flatMap(Collection::stream).toList();
  }

  @Override
  public boolean loadsOnRequest() {
    return options.control().mode() == ControlMode.EXPLICIT;
  }

  @Override
  public void load(String model, LoadParameters parameters) {
    requireLive();
    control.load(model, parameters);
  }

  @Override
  public void unload(String model, boolean dependents) {
    requireLive();
    control.unload(model, dependents);
  }

  private void requireLive() {
    if (!live) {
      throw FaultException.of(Fault.NOT_READY, "Server exiting");
    }
  }

  /** Looks at the repositories as if it were time to; does not wait for what comes of it. */
  void look() {
    poll.look();
  }

  /** Whether what a look began has ended. */
  boolean isPolled() {
    return poll.busy().isEmpty();
  }

  @Override
  public CompletableFuture<LoadReport> started() {
    return started;
  }

  @Override
  public MemoryPool memory() {
    return memory;
  }

  @Override
  public Ticker ticker() {
    return ticker;
  }

  @Override
  public boolean drain(Duration atMost) {
    live = false;
    long end = System.nanoTime() + atMost.toNanos();
    try {
      boolean all = true;
      for (boolean ensembles : new boolean[] {true, false}) {
        for (ServedModel model : catalog.all().values()) {
          for (ServedVersion version : model.versions().values()) {
            if (version.spec().isEnsemble() == ensembles) {
              long left = Math.max(0, end - System.nanoTime());
              all &= version.scheduler().drain(Duration.ofNanos(left));
            }
          }
        }
      }
      long left = Math.max(0, end - System.nanoTime());
      return catalog.awaitRetired(Duration.ofNanos(left)) && all;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Override
  public void close() {
    live = false;
    polling.shutdownNow();
    sweeping.shutdownNow();
    try {
      started.get(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException | TimeoutException e) {
      LOG.warn("closing while models still load", e);
    }
    control.close();
    opener.close();
    List<ServedVersion> served = catalog.close();
    served.stream().filter(v -> v.spec().isEnsemble()).forEach(ServedVersion::close);
    served.stream().filter(v -> !v.spec().isEnsemble()).forEach(ServedVersion::close);
    awaitRetired();
    shared.close();
    memory.close();
  }

  private void awaitRetired() {
    try {
      if (!catalog.awaitRetired(ModelScheduler.CLOSE_PATIENCE)) {
        LOG.error("closing while versions taken out of service still run requests");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
