package dev.nereid.client;

import dev.nereid.core.Ticker;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.grpc.ManagedChannel;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One remote server: its channels, what it can serve, and how it fares. Thread-safe.
 *
 * <p>What the prober finds out is written by it alone, but for the state, which a call may change
 * that is told of the server's end; everybody reads it without a lock.
 */
final class UpstreamTarget implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(UpstreamTarget.class);

  /** Between two calls to a target that is slow. */
  private static final long PROBE_PAUSE_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** A target that is stuck is waited for as long as so many health questions may take. */
  private static final int STUCK_TIMEOUTS = 5;

  private final Endpoint endpoint;
  private final UpstreamOptions options;
  private final ChannelRegistry registry;
  private final Ticker ticker;
  private final CircuitBreakerConfig breakerConfig;
  private final Map<String, CircuitBreaker> breakers = new ConcurrentHashMap<>();
  private final ReentrantLock opening = new ReentrantLock();
  private final Map<Lane, ChannelRegistry.Shared[]> lanes =
      new EnumMap<>(Lane.class); // guarded by opening
  private final AtomicInteger nextChannel = new AtomicInteger();
  private final AtomicLong nextProbe;

  final TargetLoad load = new TargetLoad();
  final AtomicInteger inFlight = new AtomicInteger();
  final AtomicInteger withoutStream = new AtomicInteger();
  final LongAdder answered = new LongAdder();
  final LongAdder failed = new LongAdder();

  private final ReentrantLock telling = new ReentrantLock();
  private volatile TargetState state = TargetState.UNKNOWN; // written under telling
  private volatile long heardNanos; // while it is stuck: since when, or an answer after that
  private volatile boolean slow;
  private volatile String reason = "";
  private volatile Map<String, RemoteModel> models = Map.of();
  private volatile double queueDepth;
  private volatile SortedMap<Long, Long> batches = new TreeMap<>();
  private volatile UpstreamStatus.Work work = UpstreamStatus.Work.NONE;

  UpstreamTarget(
      Endpoint endpoint, UpstreamOptions options, ChannelRegistry registry, Ticker ticker) {
    this.endpoint = endpoint;
    this.options = options;
    this.registry = registry;
    this.ticker = ticker;
    nextProbe = new AtomicLong(ticker.nanos());
    UpstreamOptions.Breaker wanted = options.breaker();
    breakerConfig =
        CircuitBreakerConfig.custom()
            .clock(new BreakerClock(ticker))
            .slidingWindowType(CircuitBreakerConfig.SlidingWindowType.COUNT_BASED)
            .slidingWindowSize(wanted.failures())
            .minimumNumberOfCalls(wanted.failures())
            .failureRateThreshold(100)
            .waitDurationInOpenState(wanted.pause())
            .permittedNumberOfCallsInHalfOpenState(wanted.probes())
            .build();
  }

  /** Pauses of breakers are of the clock that deadlines are of. */
  private static final class BreakerClock extends Clock {
    private final Ticker ticker;

    BreakerClock(Ticker ticker) {
      this.ticker = ticker;
    }

    @Override
    public Instant instant() {
      return Instant.EPOCH.plusNanos(ticker.nanos());
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  Endpoint endpoint() {
    return endpoint;
  }

  TargetState state() {
    TargetState told = state;
    return told == TargetState.LIVE && slow ? TargetState.SLOW : told;
  }

  /** Whether it answers at all. */
  boolean answers() {
    return state == TargetState.LIVE;
  }

  /** Marks the target as much slower than the others, or as one of them again. */
  void slow(boolean now, String why) {
    if (slow != now) {
      slow = now;
      reason = why;
      load.forgetTimes();
      LOG.info("upstream {}: {}{}", endpoint, state(), why.isEmpty() ? "" : ", " + why);
    }
  }

  /** A call was answered that took so long. */
  void answered(long now, String model, long tookNanos) {
    heardNanos = now;
    answered.increment();
    load.answered(now, model, tookNanos);
  }

  /** Whether it is stuck, and has answered nothing for so long that waiting on is in vain. */
  boolean isGone(long now) {
    return state == TargetState.STUCK
        && now - heardNanos > STUCK_TIMEOUTS * options.health().timeout().toNanos();
  }

  /** Whether a slow target may have a call now, to see how long it takes. */
  boolean tryProbe(long now) {
    long due = nextProbe.get();
    return inFlight.get() == 0
        && now - due >= 0
        && nextProbe.compareAndSet(due, now + PROBE_PAUSE_NANOS);
  }

  String reason() {
    return reason;
  }

  /** Tells where the target stands; a server that is back is tried at once. */
  void state(TargetState now, String why) {
    telling.lock();
    try {
      change(now, why);
    } finally {
      telling.unlock();
    }
  }

  /**
   * A call was told that the server is ending: others get the next ones until it is asked again.
   */
  void leaving(String why) {
    telling.lock();
    try {
      if (state == TargetState.LIVE) {
        change(TargetState.STOPPING, why);
      }
    } finally {
      telling.unlock();
    }
  }

  private void change(TargetState now, String why) {
    TargetState before = state;
    if (before == now) {
      if (now != TargetState.LIVE) {
        reason = why; // lost at first, refused by now
      }
      return;
    }
    reason = why;
    if (now == TargetState.STUCK) {
      heardNanos = ticker.nanos();
    }
    if (now == TargetState.LIVE) {
      load.forgetTimes();
      probe(); // before anybody sees that it is back
    }
    state = now;
    slow = false;
    LOG.info("upstream {}: {}{}", endpoint, now, why.isEmpty() ? "" : ", " + why);
  }

  private void probe() {
    for (CircuitBreaker breaker : breakers.values()) {
      if (breaker.getState() == CircuitBreaker.State.OPEN) {
        breaker.transitionToHalfOpenState();
      }
    }
  }

  /** The models that can be served now, by name. */
  Map<String, RemoteModel> models() {
    return models;
  }

  void models(Map<String, RemoteModel> now) {
    models = Map.copyOf(now);
  }

  void statistics(double depth, SortedMap<Long, Long> executed, UpstreamStatus.Work done) {
    queueDepth = depth;
    batches = new TreeMap<>(executed);
    work = done;
  }

  /** The breaker of a model here. */
  CircuitBreaker breaker(String model) {
    return breakers.computeIfAbsent(
        model, name -> CircuitBreaker.of(endpoint + " " + name, breakerConfig));
  }

  /**
   * Whether a model's breaker lets a call through now. An open one whose pause has passed does: it
   * only finds out when it is asked for a permission, which is given back at once.
   */
  boolean admits(String model) {
    CircuitBreaker breaker = breakers.get(model);
    if (breaker == null || breaker.getState() == CircuitBreaker.State.CLOSED) {
      return true;
    }
    if (!breaker.tryAcquirePermission()) {
      return false;
    }
    breaker.releasePermission();
    return true;
  }

  /** The next channel of a lane, in turn. */
  ManagedChannel channel(Lane lane) {
    ChannelRegistry.Shared[] pool = pool(lane);
    int at = pool.length == 1 ? 0 : Math.floorMod(nextChannel.getAndIncrement(), pool.length);
    return pool[at].channel();
  }

  /**
   * Opens the channels that are always needed.
   *
   * @throws dev.nereid.core.FaultException when files of TLS or credentials are missing or wrong
   */
  void open() {
    pool(Lane.NORMAL);
  }

  private ChannelRegistry.Shared[] pool(Lane lane) {
    opening.lock();
    try {
      return lanes.computeIfAbsent(
          lane,
          wanted -> {
            var pool = new ChannelRegistry.Shared[options.channels()];
            for (int i = 0; i < pool.length; i++) {
              pool[i] =
                  registry.share(
                      new ChannelRegistry.Key(endpoint, wanted, i, options.channelTo(endpoint)));
            }
            return pool;
          });
    } finally {
      opening.unlock();
    }
  }

  /** Tries to connect at once instead of waiting longer and longer. */
  void reconnect() {
    shared().forEach(each -> each.channel().resetConnectBackoff());
  }

  private List<ChannelRegistry.Shared> shared() {
    List<ChannelRegistry.Shared> all = new ArrayList<>();
    opening.lock();
    try {
      lanes.values().forEach(pool -> all.addAll(List.of(pool)));
    } finally {
      opening.unlock();
    }
    return all;
  }

  UpstreamStatus.Target status(long now) {
    TargetLoad.Summary summary = load.summary(now);
    int waiting = withoutStream.get();
    List<UpstreamStatus.RedFlag> flags = new ArrayList<>();
    if (summary.p99Nanos() > 1_000_000_000L) {
      flags.add(UpstreamStatus.RedFlag.P99_OVER_1000_MS);
    }
    if (waiting > 0 && state == TargetState.LIVE) {
      flags.add(UpstreamStatus.RedFlag.STREAM_LIMIT);
    }
    if (summary.refused() > 0 || state == TargetState.UNREACHABLE) {
      flags.add(UpstreamStatus.RedFlag.REFUSED);
    }
    if (summary.plateau()) {
      flags.add(UpstreamStatus.RedFlag.PLATEAU);
    }
    List<UpstreamStatus.Breaker> states = new ArrayList<>();
    new TreeMap<>(breakers)
        .forEach(
            (model, breaker) ->
                states.add(new UpstreamStatus.Breaker(model, breaker.getState().name())));
    return new UpstreamStatus.Target(
        endpoint,
        state(),
        reason,
        shared().stream().mapToInt(ChannelRegistry.Shared::connections).sum(),
        Math.max(0, inFlight.get() - waiting),
        waiting,
        queueDepth,
        batches,
        work,
        new UpstreamStatus.Calls(
            answered.sum(),
            failed.sum(),
            summary.perSecond(),
            summary.p50Nanos(),
            summary.p99Nanos(),
            summary.refused()),
        flags,
        states,
        List.copyOf(new TreeMap<>(models).keySet()));
  }

  @Override
  public void close() {
    shared().forEach(ChannelRegistry.Shared::close);
  }
}
