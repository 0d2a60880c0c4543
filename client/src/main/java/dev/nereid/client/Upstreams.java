package dev.nereid.client;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.protocol.GrpcResponseReader;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.grpc.MethodDescriptor;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.ScheduledFuture;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Many remote servers that speak the v2 protocol, as one. A request goes to a server where its
 * model is ready, and to another one when the first fails and repeating is safe.
 *
 * <p><b>Threading.</b> Thread-safe. {@link #infer} never blocks; outcomes arrive on event loops.
 * Nothing else blocks but {@link #open}, {@link #load}, {@link #unload} and {@link #close}.
 *
 * <p><b>Ownership.</b> The registry, its event loops and the memory are others', and are closed
 * after this.
 */
public final class Upstreams implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Upstreams.class);
  private static final Failure CLOSED =
      Fault.NOT_READY.with("Server is stopping, its connections to other servers are closed");
  private static final long SWEEP_MILLIS = 20;
  private static final long LOOK_MILLIS = 250;

  private final UpstreamOptions options;
  private final ChannelRegistry registry;
  private final MemoryPool memory;
  private final Ticker ticker;
  private final List<UpstreamTarget> targets;
  private final List<Prober> probers;
  private final UpstreamRuntime runtime;
  private final Admission admission;
  private final Map<String, Bulkhead> bulkheads = new ConcurrentHashMap<>();
  private final LongAdder bulkheadRefusals = new LongAdder();
  private final Set<UpstreamCall> calls = ConcurrentHashMap.newKeySet();
  private final List<ScheduledFuture<?>> timers = new ArrayList<>();
  private volatile boolean closed;

  private Upstreams(
      UpstreamOptions options, ChannelRegistry registry, MemoryPool memory, Ticker ticker) {
    this.options = options;
    this.registry = registry;
    this.memory = memory;
    this.ticker = ticker;
    targets =
        options.targets().stream()
            .map(endpoint -> new UpstreamTarget(endpoint, options, registry, ticker))
            .toList();
    probers = targets.stream().map(target -> new Prober(target, options.health(), ticker)).toList();
    runtime =
        new UpstreamRuntime(
            options,
            ticker,
            registry.loops().group(),
            new Balancer(targets, options.policy(), ticker),
            new FairTime(targets, options.health().timeout().toNanos()),
            new RetryBudget(options.retry()),
            infer(memory),
            new GrpcResponseReader(),
            new LongAdder(),
            new LongAdder());
    admission = new Admission(options.limits());
  }

  private static MethodDescriptor<OutboundMessage, Lease> infer(MemoryPool memory) {
    return MethodDescriptor.<OutboundMessage, Lease>newBuilder()
        .setType(MethodDescriptor.MethodType.UNARY)
        .setFullMethodName(GRPCInferenceServiceGrpc.getModelInferMethod().getFullMethodName())
        .setRequestMarshaller(new OutboundMessage.Marshaller())
        .setResponseMarshaller(new OutboundMessage.ReplyMarshaller(memory))
        .build();
  }

  /**
   * Connects, and asks each server once whether it lives and what it serves. Servers that do not
   * answer are asked again and again; nothing fails because of them.
   *
   * @param memory where replies are put
   * @throws FaultException when files of TLS or credentials are missing or wrong
   */
  public static Upstreams open(
      UpstreamOptions options, ChannelRegistry registry, MemoryPool memory, Ticker ticker) {
    Upstreams upstreams = new Upstreams(options, registry, memory, ticker);
    upstreams.targets.forEach(UpstreamTarget::open);
    upstreams.begin();
    return upstreams;
  }

  private void begin() {
    long interval = options.health().interval().toMillis();
    EventLoop loop = registry.loops().group().next();
    for (Prober prober : probers) {
      every(loop, interval, prober::ask);
    }
    SlowTargets slow = new SlowTargets(targets, options.health().slowFactor());
    every(loop, LOOK_MILLIS, () -> slow.look(ticker.nanos()));
    every(loop, SWEEP_MILLIS, this::sweep);
    Duration limit = options.health().timeout().multipliedBy(4);
    try {
      CompletableFuture.allOf(probers.stream().map(Prober::first).toArray(CompletableFuture[]::new))
          .get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      LOG.warn("upstreams: not every one answered within {} ms", limit.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @SuppressWarnings("CatchingUnchecked") // a timer that throws is never run again
  private void every(EventLoop loop, long millis, Runnable work) {
    Runnable guarded =
        () -> {
          try {
            work.run();
          } catch (RuntimeException e) {
            LOG.error("upstreams: a regular task failed", e);
          }
        };
    timers.add(loop.scheduleWithFixedDelay(guarded, 0, millis, TimeUnit.MILLISECONDS));
  }

  private void sweep() {
    long now = ticker.nanos();
    admission.sweep(now);
    for (UpstreamCall call : calls) {
      call.sweep(now);
    }
  }

  /** Whether that is one of the servers. */
  public boolean isTarget(Endpoint endpoint) {
    return targets.stream().anyMatch(target -> target.endpoint().equals(endpoint));
  }

  /** Takes a request over. Every outcome, refusals too, goes to the request's reply. */
  public void infer(InferRequest request) {
    infer(request, null);
  }

  /**
   * Takes a request over, for one of the servers.
   *
   * @param only null for any
   */
  public void infer(InferRequest request, @Nullable Endpoint only) {
    String model = request.call().model();
    if (closed) {
      request.fail(CLOSED);
      return;
    }
    if (!isKnown(model)) {
      request.fail(unknown(model));
      return;
    }
    Bulkhead bulkhead = bulkheads.computeIfAbsent(model, this::bulkhead);
    if (!bulkhead.tryAcquirePermission()) {
      bulkheadRefusals.increment();
      request.fail(
          Fault.OVERLOADED.with(
              "upstream: model '%s' has %d calls in flight (expected: fewer)"
                  .formatted(model, options.limits().perModel())));
      return;
    }
    new Admitted(request, only, bulkhead).enter();
  }

  /** The way of one request through the limits. */
  private final class Admitted {
    private final Bulkhead bulkhead;
    private final UpstreamCall call;

    Admitted(InferRequest request, @Nullable Endpoint only, Bulkhead bulkhead) {
      this.bulkhead = bulkhead;
      call = new UpstreamCall(runtime, request, only, this::ended);
    }

    void enter() {
      calls.add(call);
      admission.enter(call);
    }

    /** The request has its outcome. */
    private void ended(UpstreamCall over) {
      calls.remove(over);
      bulkhead.onComplete();
      if (over.isStarted()) {
        admission.left(over, ticker.nanos());
      }
    }
  }

  private Bulkhead bulkhead(String model) {
    return Bulkhead.of(
        model,
        BulkheadConfig.custom()
            .maxConcurrentCalls(options.limits().perModel())
            .maxWaitDuration(Duration.ZERO)
            .build());
  }

  /** Whether some server that was reached has the model ready. */
  public boolean isKnown(String model) {
    for (UpstreamTarget target : targets) {
      if (target.models().containsKey(model)) {
        return true;
      }
    }
    return false;
  }

  /** Not found, if every server was asked; else nobody knows. */
  private Failure unknown(String model) {
    boolean asked = targets.stream().allMatch(target -> target.answers());
    return asked
        ? Fault.NOT_FOUND.with("Request for unknown model: '" + model + "' is not found")
        : Fault.NOT_READY.with(runtime.balancer().refusal(model));
  }

  /**
   * A model's configuration, as a server that serves it told it.
   *
   * @throws FaultException when no server has the model, or none of them answers
   */
  public ModelConfig config(String model) {
    ModelConfig found = null;
    for (UpstreamTarget target : targets) {
      RemoteModel known = target.models().get(model);
      if (known != null && (found == null || target.answers())) {
        found = known.config();
        if (target.answers()) {
          break;
        }
      }
    }
    if (found == null) {
      throw unknown(model).exception();
    }
    return found;
  }

  /**
   * What the model's requests are answered from, as its servers tell: versions and configuration of
   * each, without repetition. Empty when no server has it, or it remembers requests.
   */
  public List<String> contents(String model) {
    SortedSet<String> contents = new TreeSet<>();
    for (UpstreamTarget target : targets) {
      RemoteModel known = target.models().get(model);
      if (known != null && !known.isStateless()) {
        return List.of();
      }
      if (known != null) {
        contents.add(known.content());
      }
    }
    return List.copyOf(contents);
  }

  /** The models that some server can serve now, each with the servers that can. */
  public SortedMap<String, List<Endpoint>> models() {
    SortedMap<String, List<Endpoint>> models = new TreeMap<>();
    for (UpstreamTarget target : targets) {
      if (target.answers()) {
        target
            .models()
            .keySet()
            .forEach(
                name ->
                    models.computeIfAbsent(name, _ -> new ArrayList<>()).add(target.endpoint()));
      }
    }
    return models;
  }

  /** Whether some server that answers has the model, and its breaker lets a call through now. */
  public boolean isServing(String model) {
    for (UpstreamTarget target : targets) {
      if (target.answers() && target.models().containsKey(model) && target.admits(model)) {
        return true;
      }
    }
    return false;
  }

  /**
   * Loads a model, or loads it anew, on every server that answers; waits until it is ready there.
   *
   * @throws FaultException when one of them cannot, or none answers
   */
  public void load(String model) {
    RepositoryChange.load(targets, model);
  }

  /**
   * Takes a model out of service on every server that answers.
   *
   * @param dependents whether the steps of an ensemble that nothing else needs go too
   * @throws FaultException when one of them cannot, or none answers
   */
  public void unload(String model, boolean dependents) {
    RepositoryChange.unload(targets, model, dependents);
  }

  /** Whether some server answers. */
  public boolean isLive() {
    return targets.stream().anyMatch(UpstreamTarget::answers);
  }

  /** Everything there is to tell. */
  public UpstreamStatus status() {
    long now = ticker.nanos();
    return new UpstreamStatus(
        targets.stream().map(target -> target.status(now)).toList(),
        registry.channels(),
        admission.status().withRefusals(bulkheadRefusals.sum()),
        runtime.retries().sum(),
        runtime.budget().refusals(),
        runtime.hedges().sum());
  }

  /** Where replies are put. */
  public MemoryPool memory() {
    return memory;
  }

  /** The clock of deadlines. */
  public Ticker ticker() {
    return ticker;
  }

  /** Ends the connections; calls in flight fail. */
  @Override
  public void close() {
    closed = true;
    timers.forEach(timer -> timer.cancel(false));
    admission.close(CLOSED);
    calls.forEach(call -> call.abort(CLOSED));
    targets.forEach(UpstreamTarget::close);
  }
}
