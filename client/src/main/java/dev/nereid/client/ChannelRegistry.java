package dev.nereid.client;

import io.grpc.Attributes;
import io.grpc.ChannelCredentials;
import io.grpc.ClientTransportFilter;
import io.grpc.CompositeChannelCredentials;
import io.grpc.ConnectivityState;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Every gRPC channel of a process: whoever wants the same one gets the same one. Thread-safe.
 *
 * <p>A channel to a name that stands for several addresses, such as a headless service, spreads its
 * calls over them in turn, leaves out those that fail more often than the others, and asks the name
 * service again when a connection ends and every half minute.
 */
public final class ChannelRegistry implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ChannelRegistry.class);
  private static final long CLOSE_SECONDS = 2;
  private static final Duration LOOK = Duration.ofSeconds(1);

  /** As long as gRPC keeps what a name service told; asked sooner, it does not look. */
  private static final Duration RESOLVE_PAUSE = Duration.ofSeconds(30);

  private final EventLoops loops;
  private final Duration resolvePause;
  private final ReentrantLock opening = new ReentrantLock();
  private final Map<Key, Entry> entries = new HashMap<>(); // guarded by opening
  // guarded by opening
  private final Map<TlsOptions, TlsCredentials> tls = new HashMap<>();
  private final Map<UpstreamCredentials, CallHeaders> shown = new HashMap<>();
  private boolean resolving; // guarded by opening

  /** Looks at their files, and for addresses that names have by now. */
  private final ScheduledExecutorService looks =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("nereid-client-looks").factory());

  /** A registry whose channels run on these threads; they are closed after it. */
  public ChannelRegistry(EventLoops loops) {
    this(loops, RESOLVE_PAUSE);
  }

  /** One that asks name services again after such a time. */
  ChannelRegistry(EventLoops loops, Duration resolvePause) {
    this.loops = loops;
    this.resolvePause = resolvePause;
  }

  /**
   * What makes two channels the same.
   *
   * @param index of a pool's channel, from 0
   */
  record Key(Endpoint endpoint, Lane lane, int index, ChannelOptions options) {}

  /**
   * One channel as of now.
   *
   * @param index of a pool's channel, from 0
   * @param state as gRPC names it
   * @param connections open; more than one where the name has several addresses
   * @param holders who share it
   */
  public record ChannelStatus(
      Endpoint endpoint, Lane lane, int index, String state, int connections, int holders) {}

  /** A shared channel; closed by each holder. */
  final class Shared implements AutoCloseable {
    private final Key key;
    private final Entry entry;
    private boolean closed; // guarded by opening

    private Shared(Key key, Entry entry) {
      this.key = key;
      this.entry = entry;
    }

    ManagedChannel channel() {
      return entry.channel;
    }

    int connections() {
      return entry.connections.get();
    }

    boolean isReady() {
      return entry.channel.getState(false) == ConnectivityState.READY;
    }

    /** Ends the channel with its last holder; calls in flight fail. */
    @Override
    public void close() {
      opening.lock();
      try {
        if (closed) {
          return;
        }
        closed = true;
        entry.holders--;
        if (entry.holders > 0) {
          return;
        }
        entries.remove(key);
      } finally {
        opening.unlock();
      }
      end(List.of(entry));
    }
  }

  /** A channel and who uses it. */
  private static final class Entry extends ClientTransportFilter {
    /** What a connection has that was ready; gRPC tells of the end of others, too. */
    private static final Attributes.Key<Boolean> COUNTED = Attributes.Key.create("counted");

    private final AtomicInteger connections = new AtomicInteger();
    private final ManagedChannel channel;
    private int holders; // guarded by opening

    @SuppressWarnings("this-escape") // the filter is told of nothing before the first call
    Entry(Key key, EventLoops loops, ChannelCredentials credentials) {
      ChannelOptions.KeepAlive keepAlive = key.options.keepAlive();
      NettyChannelBuilder builder =
          NettyChannelBuilder.forTarget("dns:///" + key.endpoint, credentials)
              .eventLoopGroup(loops.group())
              .channelFactory(loops.channels())
              .directExecutor()
              .disableRetry()
              .flowControlWindow(key.options.flowControlWindow())
              .maxInboundMessageSize(Integer.MAX_VALUE)
              .keepAliveTime(keepAlive.time().toMillis(), TimeUnit.MILLISECONDS)
              .keepAliveTimeout(keepAlive.timeout().toMillis(), TimeUnit.MILLISECONDS)
              .keepAliveWithoutCalls(keepAlive.withoutCalls())
              .defaultServiceConfig(spread())
              .addTransportFilter(this);
      TlsOptions tls = key.options.tls();
      if (tls != null && tls.serverName() != null) {
        builder.overrideAuthority(tls.serverName());
      }
      channel = builder.build();
    }

    @Override
    public Attributes transportReady(Attributes attributes) {
      connections.incrementAndGet();
      return attributes.toBuilder().set(COUNTED, true).build();
    }

    @Override
    public void transportTerminated(Attributes attributes) {
      if (attributes.get(COUNTED) != null) {
        connections.decrementAndGet();
      }
    }

    /**
     * gRPC's own policies: in turn, without the addresses that fail. Its health checking is left
     * out: it waits for ever where {@code grpc.health.v1.Health/Watch} is not answered, and
     * NVIDIA's server declares that call without taking it up.
     */
    private static Map<String, ?> spread() {
      Map<String, ?> outliers =
          Map.of(
              "interval",
              "5s",
              "baseEjectionTime",
              "10s",
              "maxEjectionPercent",
              50.0,
              "failurePercentageEjection",
              Map.of("threshold", 50.0, "minimumHosts", 2.0, "requestVolume", 10.0),
              "childPolicy",
              List.of(Map.of("round_robin", Map.of())));
      return Map.of(
          "loadBalancingConfig", List.of(Map.of("outlier_detection_experimental", outliers)));
    }
  }

  /**
   * A share in the channel of that key, which is opened if there is none.
   *
   * @throws dev.nereid.core.FaultException when files of its TLS or credentials are missing or
   *     wrong
   */
  Shared share(Key key) {
    opening.lock();
    try {
      Entry entry = entries.get(key);
      if (entry == null) {
        entry = new Entry(key, loops, credentials(key.options));
        entries.put(key, entry);
        resolveFromNowOn();
      }
      entry.holders++;
      return new Shared(key, entry);
    } finally {
      opening.unlock();
    }
  }

  /** New addresses of a name are found although no connection ends. Called with the lock held. */
  private void resolveFromNowOn() {
    if (!resolving) {
      resolving = true;
      every(resolvePause, this::resolve);
    }
  }

  private void resolve() {
    List<Entry> open;
    opening.lock();
    try {
      open = List.copyOf(entries.values());
    } finally {
      opening.unlock();
    }
    // There is no call for this alone; one that waits to connect again tries at once, too.
    open.forEach(entry -> entry.channel.resetConnectBackoff());
  }

  /** Called with the lock held. */
  private ChannelCredentials credentials(ChannelOptions options) {
    ChannelCredentials transport =
        options.tls() == null
            ? InsecureChannelCredentials.create()
            : tls.computeIfAbsent(options.tls(), this::follow).channel();
    return options.credentials() == null
        ? transport
        : CompositeChannelCredentials.create(
            transport, shown.computeIfAbsent(options.credentials(), this::follow));
  }

  private TlsCredentials follow(TlsOptions wanted) {
    TlsCredentials opened = TlsCredentials.open(wanted);
    every(LOOK, opened::look);
    return opened;
  }

  private CallHeaders follow(UpstreamCredentials wanted) {
    CallHeaders opened = CallHeaders.open(wanted);
    every(LOOK, opened::look);
    return opened;
  }

  @SuppressWarnings("CatchingUnchecked") // a look that throws is never taken again
  private void every(Duration pause, Runnable look) {
    Runnable guarded =
        () -> {
          try {
            look.run();
          } catch (RuntimeException e) {
            LOG.error("a look failed", e);
          }
        };
    long millis = pause.toMillis();
    var _ = looks.scheduleWithFixedDelay(guarded, millis, millis, TimeUnit.MILLISECONDS);
  }

  EventLoops loops() {
    return loops;
  }

  /** Every channel, by endpoint, lane and index. */
  public List<ChannelStatus> channels() {
    List<ChannelStatus> all = new ArrayList<>();
    opening.lock();
    try {
      entries.forEach(
          (key, entry) ->
              all.add(
                  new ChannelStatus(
                      key.endpoint,
                      key.lane,
                      key.index,
                      entry.channel.getState(false).name(),
                      entry.connections.get(),
                      entry.holders)));
    } finally {
      opening.unlock();
    }
    all.sort(
        (a, b) -> {
          int byEndpoint = a.endpoint.toString().compareTo(b.endpoint.toString());
          int byLane = byEndpoint == 0 ? a.lane.compareTo(b.lane) : byEndpoint;
          return byLane == 0 ? Integer.compare(a.index, b.index) : byLane;
        });
    return all;
  }

  /** Ends every channel, whoever holds it. */
  @Override
  public void close() {
    List<Entry> left;
    looks.shutdownNow();
    opening.lock();
    try {
      left = List.copyOf(entries.values());
      entries.clear();
    } finally {
      opening.unlock();
    }
    end(left);
  }

  private static void end(List<Entry> ending) {
    ending.forEach(entry -> entry.channel.shutdownNow());
    for (Entry entry : ending) {
      try {
        entry.channel.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }
}
