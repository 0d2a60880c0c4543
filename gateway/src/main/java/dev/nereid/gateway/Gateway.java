package dev.nereid.gateway;

import dev.nereid.core.Tracer;
import dev.nereid.engine.Engine;
import dev.nereid.http.AccessLog;
import dev.nereid.http.EventLoops;
import dev.nereid.http.HttpListener;
import dev.nereid.http.ListenerMetrics;
import dev.nereid.http.ListenerServices;
import dev.nereid.telemetry.Metrics;
import java.time.Duration;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The REST image API over an engine in this process or over remote servers, and a console to try it
 * on and to look after it.
 *
 * <p><b>Threading.</b> The methods are called by control threads and may block. <b>Order.</b>
 * {@link #start} once; to end, {@link #drain}, then {@link #close}, and the engine after that.
 */
public final class Gateway implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Gateway.class);
  private static final long SWEEP_MILLIS = 20;

  private final HttpListener listener;
  private final ExecutorService slow;
  private final @Nullable ResultCache cache;
  private final @Nullable CachingServing caching;
  private final @Nullable PayloadSamples payloads;
  private final EventLoops loops;
  private @Nullable Future<?> sweeping; // confined: the control threads

  private Gateway(
      HttpListener listener,
      ExecutorService slow,
      @Nullable ResultCache cache,
      @Nullable CachingServing caching,
      @Nullable PayloadSamples payloads,
      EventLoops loops) {
    this.listener = listener;
    this.slow = slow;
    this.cache = cache;
    this.caching = caching;
    this.payloads = payloads;
    this.loops = loops;
  }

  /** A gateway over the engine of this process that is not started yet. */
  public static Gateway over(
      Engine engine,
      GatewayOptions options,
      EventLoops loops,
      Metrics metrics,
      AccessLog accessLog) {
    return over(Serving.of(engine), options, loops, metrics, accessLog);
  }

  /** A gateway that is not started yet, and traces nothing. */
  public static Gateway over(
      Serving serving,
      GatewayOptions options,
      EventLoops loops,
      Metrics metrics,
      AccessLog accessLog) {
    return over(serving, options, loops, metrics, accessLog, null);
  }

  /**
   * A gateway that is not started yet.
   *
   * @param tracer of requests that bring pictures; null for no traces
   */
  public static Gateway over(
      Serving serving,
      GatewayOptions options,
      EventLoops loops,
      Metrics metrics,
      AccessLog accessLog,
      @Nullable Tracer tracer) {
    ExecutorService slow =
        Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("gateway-", 0).factory());
    GatewayMetrics counted = new GatewayMetrics(metrics, serving);
    ListenerMetrics listenerMetrics = new ListenerMetrics(metrics, options.listener().name());
    ListenerServices services =
        new ListenerServices(
            loops,
            serving.memory(),
            serving.ticker(),
            listenerMetrics,
            accessLog,
            new GatewayErrors(),
            tracer);
    Traffic traffic = Traffic.of(serving, options.traffic(), task -> run(slow, task));
    metrics.register(traffic);
    ResultCacheOptions kept = options.results();
    ResultCache cache = kept == null ? null : ResultCache.open(kept, metrics, serving.ticker());
    CachingServing caching =
        cache == null ? null : new CachingServing(serving, cache, task -> run(slow, task));
    PayloadSampleOptions written = options.payloads();
    PayloadSamples payloads = written == null ? null : PayloadSamples.open(written, metrics);
    Routes routes = new Routes(caching == null ? serving : caching, serving, options, traffic);
    PredictEndpoints predict =
        new PredictEndpoints(routes, serving.memory(), options, counted, slow, payloads);
    InfoEndpoints info = new InfoEndpoints(serving, options, counted);
    metrics.register(new UpstreamMetrics(serving));
    GatewayRoutes.Endpoints endpoints = endpoints(serving, options, slow, predict, info, traffic);
    HttpListener listener =
        new HttpListener(options.listener(), services, GatewayRoutes.router(endpoints, slow));
    listenerMetrics.observe(listener);
    return new Gateway(listener, slow, cache, caching, payloads, loops);
  }

  private static GatewayRoutes.Endpoints endpoints(
      Serving serving,
      GatewayOptions options,
      ExecutorService slow,
      PredictEndpoints predict,
      InfoEndpoints info,
      Traffic traffic) {
    StaticFiles files = StaticFiles.load(options);
    slow.execute(files::pack);
    return new GatewayRoutes.Endpoints(
        predict,
        new ModelEndpoints(serving, slow),
        new TrafficEndpoints(traffic),
        new ConnectionsEndpoint(serving),
        info,
        files);
  }

  /** What comes when the threads have ended is done at once: its requests are still to be told. */
  private static void run(ExecutorService threads, Runnable task) {
    try {
      threads.execute(task);
    } catch (RejectedExecutionException _) {
      task.run();
    }
  }

  /**
   * Begins to listen.
   *
   * @throws dev.nereid.core.FaultException when the address cannot be bound
   */
  public void start() {
    listener.start();
    CachingServing swept = caching;
    if (swept != null) {
      sweeping =
          loops
              .workers()
              .next()
              .scheduleWithFixedDelay(
                  () -> sweep(swept), SWEEP_MILLIS, SWEEP_MILLIS, TimeUnit.MILLISECONDS);
    }
  }

  @SuppressWarnings("CatchingUnchecked") // a timer that throws is never run again
  private static void sweep(CachingServing swept) {
    try {
      swept.sweep();
    } catch (RuntimeException e) {
      LOG.error("sweeping the equal requests failed", e);
    }
  }

  /** The port that is listened on. */
  public int port() {
    return listener.port();
  }

  /** Accepts no more connections, and waits for the requests that have begun. */
  public boolean drain(Duration limit) {
    return listener.drain(limit);
  }

  @Override
  public void close() {
    listener.close();
    if (sweeping != null) {
      sweeping.cancel(false);
    }
    slow.close();
    if (payloads != null) {
      payloads.close();
    }
    if (cache != null) {
      cache.close();
    }
  }
}
