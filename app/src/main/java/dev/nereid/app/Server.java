package dev.nereid.app;

import dev.nereid.access.AccessControl;
import dev.nereid.app.ServeOptions.Endpoint;
import dev.nereid.client.Upstreams;
import dev.nereid.engine.Engine;
import dev.nereid.gateway.Gateway;
import dev.nereid.gateway.GatewayOptions;
import dev.nereid.gateway.Serving;
import dev.nereid.http.AccessLog;
import dev.nereid.http.AccessLogWriter;
import dev.nereid.http.EventLoops;
import dev.nereid.http.Guarding;
import dev.nereid.http.Handler;
import dev.nereid.http.HttpListener;
import dev.nereid.http.ListenerMetrics;
import dev.nereid.http.ListenerOptions;
import dev.nereid.http.ListenerServices;
import dev.nereid.http.ListenerTls.Offer;
import dev.nereid.http.RefusalAnswers;
import dev.nereid.protocol.RequestLimits;
import dev.nereid.server.CodecThreads;
import dev.nereid.server.GrpcListener;
import dev.nereid.server.GrpcOptions;
import dev.nereid.server.LogControl;
import dev.nereid.server.MetricsHandler;
import dev.nereid.server.ServerIdentity;
import dev.nereid.server.V2Handler;
import dev.nereid.server.V2Refusals;
import dev.nereid.telemetry.GpuMetrics;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import dev.nereid.telemetry.ProcessMetrics;
import dev.nereid.tracing.Tracing;
import dev.nereid.tracing.TracingOptions;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine with its listeners, assembled.
 *
 * <p><b>Order.</b> {@link #start}; the listeners are open from then on, while models load; {@link
 * #drain}, then {@link #close}. Called by one thread.
 */
final class Server implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Server.class);
  private static final int BACKLOG = 1024;

  private final ServeOptions options;
  private final LogControl log;
  private final Deque<AutoCloseable> parts = new ArrayDeque<>();
  private final List<Function<Duration, Boolean>> drains = new ArrayList<>();
  private final Metrics metrics;
  private final EventLoops loops;
  private final @Nullable UpstreamServers remote;
  private final Engine engine;
  private final Certificates certificates;
  private final @Nullable AccessControl access;
  private final @Nullable Tracing tracing;
  private @Nullable HttpListener http;
  private @Nullable GrpcListener grpc;
  private @Nullable HttpListener metricsListener;
  private @Nullable Gateway gateway;

  private Server(ServeOptions options, LogControl log, String version) {
    this.options = options;
    this.log = log;
    metrics = new Metrics(options.metrics().latencies());
    loops = own(EventLoops.start(options.http().threads()));
    ServeOptions.Upstream upstream = options.upstream();
    remote = upstream == null ? null : own(UpstreamServers.open(options, upstream, loops));
    List<Path> repositories =
        remote == null ? options.models().repositories() : List.of(remote.steps().directory());
    engine = own(Engine.open(options.engine(repositories), metrics));
    certificates = own(new Certificates(metrics));
    tracing = openTracing(options.traces(), version);
    ServeOptions.Callers callers = options.callers();
    access =
        callers == null ? null : own(new AccessControl(callers.access(), metrics, engine.ticker()));
  }

  /** Starts a server whose log is not its own. */
  static Server start(ServeOptions options, Installation installation) {
    return start(options, installation, LogControl.NONE);
  }

  /**
   * Opens what the options ask for and begins to load.
   *
   * @throws dev.nereid.core.FaultException when a repository cannot be read or a port not be bound
   */
  static Server start(ServeOptions options, Installation installation, LogControl log) {
    Server server = new Server(options, log, installation.version());
    try {
      server.open(new ServerIdentity(options.id(), installation.version()));
      if (options.gateway().endpoint().open()) {
        server.openGateway(installation);
      }
      server.certificates.watch();
      return server;
    } catch (RuntimeException e) {
      server.close();
      throw e;
    }
  }

  /** Closed after the listeners, whose last spans it sends. */
  private @Nullable Tracing openTracing(@Nullable TracingOptions wanted, String version) {
    if (wanted == null) {
      return null;
    }
    LOG.info("Traces go to {}", wanted.endpoint());
    return own(Tracing.open(wanted, version, metrics, engine.ticker()));
  }

  private void open(ServerIdentity identity) {
    metrics.register(new ProcessMetrics(options.metrics().cpu()));
    if (options.metrics().endpoint().open() && options.metrics().gpu()) {
      GpuMetrics.find().ifPresent(metrics::register);
    }
    CodecThreads codecs = own(new CodecThreads(0));
    if (options.grpc().endpoint().open()) {
      grpc = own(openGrpc(identity, codecs));
      LOG.info("Started GRPCInferenceService at {}", options.grpc().endpoint().at(grpc.port()));
    }
    if (options.http().endpoint().open()) {
      var limits = new RequestLimits(options.http().maxInputBytes());
      http =
          listen(
              listenerOptions("http", options.http().endpoint(), options.http().maxInputBytes()),
              new V2Handler(
                  new V2Handler.Services(engine, loops, codecs, log),
                  identity,
                  limits,
                  options.http().calls()),
              new V2Refusals(),
              accessLog("http"));
      LOG.info("Started HTTPService at {}", options.http().endpoint().at(http.port()));
    }
    if (options.metrics().endpoint().open()) {
      metricsListener =
          listen(
              listenerOptions("metrics", options.metrics().endpoint(), 1 << 16),
              new MetricsHandler(metrics),
              RefusalAnswers.json(),
              AccessLog.OFF);
      LOG.info(
          "Started Metrics Service at {}", options.metrics().endpoint().at(metricsListener.port()));
    }
  }

  private void openGateway(Installation installation) {
    ServeOptions.Gateway wanted = options.gateway();
    Path samples = installation.home().resolve("samples");
    GatewayOptions gatewayOptions =
        new GatewayOptions(
            listenerOptions("gateway", wanted.endpoint(), wanted.maxBodyBytes())
                .guarded(
                    new Guarding(
                        access("gateway"),
                        wanted.browsers().cors(),
                        wanted.browsers().strictTransport())),
            wanted.batchImages(),
            wanted.streamImages(),
            wanted.aliases(),
            Files.isDirectory(samples) ? samples : null,
            wanted.results(),
            wanted.traffic() == null ? Map.of() : TrafficFile.read(wanted.traffic()),
            wanted.payloads(),
            installation.version());
    Gateway opened =
        own(Gateway.over(serving(), gatewayOptions, loops, metrics, accessLog("gateway"), tracing));
    opened.start();
    drains.add(opened::drain);
    gateway = opened;
    LOG.info("Started Image Gateway at {}", wanted.endpoint().at(opened.port()));
  }

  /** The engine, or the remote servers in front of which it stands. */
  private Serving serving() {
    ServeOptions.Upstream wanted = options.upstream();
    UpstreamServers servers = remote;
    return wanted == null || servers == null
        ? Serving.of(engine)
        : Serving.of(engine, servers.upstreams(), servers.ensembles(), wanted.fallbacks());
  }

  /** The remote servers; null when the models run in this process. */
  @Nullable Upstreams upstreams() {
    return remote == null ? null : remote.upstreams();
  }

  private GrpcListener openGrpc(ServerIdentity identity, CodecThreads codecs) {
    ServeOptions.Grpc wanted = options.grpc();
    ServeOptions.KeepAlive keepAlive = wanted.keepAlive();
    GrpcOptions grpcOptions =
        new GrpcOptions(
            new GrpcOptions.Address(
                wanted.endpoint().address(),
                wanted.endpoint().port(),
                "--grpc-port",
                wanted.endpoint().shared()),
            new GrpcOptions.KeepAlive(
                keepAlive.time(),
                keepAlive.timeout(),
                keepAlive.withoutCalls(),
                keepAlive.minClientInterval()),
            new GrpcOptions.Age(wanted.maxAge(), wanted.maxAgeGrace()),
            new GrpcOptions.Limits(
                wanted.messageBytes(),
                options.limits().inFlightRequests(),
                options.limits().inFlightBytes(),
                options.timeouts().request()),
            certificates.of("grpc", wanted.endpoint(), Offer.GRPC),
            wanted.calls().by(access("grpc")),
            wanted.packing());
    var services =
        new GrpcListener.Services(engine, loops, codecs, metrics, accessLog("grpc"), log, tracing);
    GrpcListener listener = new GrpcListener(grpcOptions, identity, services);
    listener.start();
    drains.add(listener::drain);
    return listener;
  }

  private HttpListener listen(
      ListenerOptions listenerOptions,
      Handler handler,
      RefusalAnswers refusals,
      AccessLog accessLog) {
    ListenerMetrics counted = new ListenerMetrics(metrics, listenerOptions.name());
    ListenerServices services =
        new ListenerServices(
            loops, engine.memory(), engine.ticker(), counted, accessLog, refusals, tracing);
    HttpListener listener = own(new HttpListener(listenerOptions, services, handler));
    listener.start();
    counted.observe(listener);
    drains.add(listener::drain);
    return listener;
  }

  /** Who may call over that listener; null for everybody. */
  private @Nullable AccessControl access(String listener) {
    ServeOptions.Callers callers = options.callers();
    return callers != null && callers.listeners().contains(listener) ? access : null;
  }

  private AccessLog accessLog(String listener) {
    ServeOptions.AccessLogging wanted = options.access();
    AccessLogWriter.Options usual = AccessLogWriter.Options.DEFAULT;
    AccessLogWriter.Options writing =
        new AccessLogWriter.Options(wanted.format(), wanted.slow(), usual.capacity());
    OutputStream out =
        wanted.file() == null
            ? AccessLogWriter.standardOutput()
            : AccessLogWriter.file(wanted.file());
    var dropped = metrics.counter(Meter.ACCESS_LOG_DROPPED);
    return own(new AccessLogWriter(listener, writing, out, dropped)).start();
  }

  private ListenerOptions listenerOptions(String name, Endpoint endpoint, int bodyBytes) {
    ServeOptions.Limits limits = options.limits();
    ServeOptions.Timeouts timeouts = options.timeouts();
    return ListenerOptions.of(name, endpoint.port())
        .at(
            new ListenerOptions.Address(
                endpoint.address(),
                endpoint.port(),
                BACKLOG,
                "--" + name + "-port",
                endpoint.shared()))
        .over(certificates.of(name, endpoint, Offer.HTTP))
        .guarded(Guarding.by(access(name)))
        .within(
            new ListenerOptions.Limits(
                limits.connections(),
                limits.requestLineBytes(),
                limits.headerBytes(),
                bodyBytes,
                limits.inFlightRequests(),
                limits.inFlightBytes()))
        .with(
            new ListenerOptions.Timeouts(
                timeouts.idle(), timeouts.read(), timeouts.bytesPerSecond(), timeouts.request()));
  }

  /** The engine that is served. */
  Engine engine() {
    return engine;
  }

  /** Which transport the listeners use. */
  String transport() {
    return loops.transport();
  }

  /** The port that v2 over HTTP is on, or -1. */
  int httpPort() {
    return http == null ? -1 : http.port();
  }

  /** The port that v2 over gRPC is on, or -1. */
  int grpcPort() {
    return grpc == null ? -1 : grpc.port();
  }

  /** The port that the image gateway is on, or -1. */
  int gatewayPort() {
    return gateway == null ? -1 : gateway.port();
  }

  /** The port that the metrics are on, or -1. */
  int metricsPort() {
    return metricsListener == null ? -1 : metricsListener.port();
  }

  /**
   * Says that it is not ready, and serves on for the grace, so that those who share out load send
   * no more; then takes no more requests and waits for those that have begun.
   *
   * @param atMost for all of it
   * @return whether all of them ended in time
   */
  boolean drain(Duration grace, Duration atMost) {
    long end = System.nanoTime() + atMost.toNanos();
    engine.withdraw();
    if (grace.isPositive()) {
      LOG.info("Not ready any more; the listeners close in {} s", grace.toMillis() / 1e3);
      await(grace.compareTo(atMost) < 0 ? grace : atMost);
    }
    return drainListeners(Duration.ofNanos(Math.max(0, end - System.nanoTime())));
  }

  private static void await(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private boolean drainListeners(Duration atMost) {
    long end = System.nanoTime() + atMost.toNanos();
    boolean all = true;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Boolean>> running =
          drains.stream().map(drain -> threads.submit(() -> drain.apply(atMost))).toList();
      for (Future<Boolean> one : running) {
        all &= one.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (ExecutionException e) {
      LOG.error("draining a listener failed", e.getCause());
      all = false;
    }
    long left = Math.max(0, end - System.nanoTime());
    return engine.drain(Duration.ofNanos(left)) && all;
  }

  /** Ends everything, the last opened first. */
  @Override
  public void close() {
    while (!parts.isEmpty()) {
      AutoCloseable part = parts.pop();
      try {
        part.close();
      } catch (Exception e) {
        LOG.error("closing {} failed", part.getClass().getSimpleName(), e);
      }
    }
  }

  private <T extends AutoCloseable> T own(T part) {
    parts.push(part);
    return part;
  }
}
