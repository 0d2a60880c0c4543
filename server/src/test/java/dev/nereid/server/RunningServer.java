package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.http.AccessLog;
import dev.nereid.http.EventLoops;
import dev.nereid.http.HttpListener;
import dev.nereid.http.HttpMetrics;
import dev.nereid.http.ListenerOptions;
import dev.nereid.http.ListenerServices;
import dev.nereid.http.RefusalAnswers;
import dev.nereid.protocol.RequestLimits;
import dev.nereid.telemetry.Metrics;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.UnaryOperator;

/** All listeners of v2 over a loopback engine, on ports that the system chose. */
final class RunningServer implements AutoCloseable {
  static final RequestLimits LIMITS = new RequestLimits(4 << 20);
  private static final ServerIdentity IDENTITY = new ServerIdentity("triton", "0.1.0");

  final LoopbackEngine engine = new LoopbackEngine();
  final Metrics metrics = new Metrics();
  final EventLoops loops = EventLoops.start(2);
  final CodecThreads codecs = new CodecThreads(2);
  final HeldLog log = new HeldLog();
  final HttpListener http;
  final HttpListener scrape;
  final GrpcListener grpc;

  RunningServer() {
    this(GrpcOptions.Limits.DEFAULT);
  }

  RunningServer(GrpcOptions.Limits grpcLimits) {
    http =
        listener(
            "http", new V2Handler(services(), IDENTITY, LIMITS, Access.OPEN), new V2Refusals());
    scrape = listener("metrics", new MetricsHandler(metrics), RefusalAnswers.json());
    grpc = grpc(GrpcOptions.of(0).within(grpcLimits));
  }

  /** One more HTTP listener. */
  HttpListener http(Access access) {
    return listener("http", new V2Handler(services(), IDENTITY, LIMITS, access), new V2Refusals());
  }

  private V2Handler.Services services() {
    return new V2Handler.Services(engine, loops, codecs, log);
  }

  /** One more gRPC listener. */
  GrpcListener grpc(GrpcOptions options) {
    var services = new GrpcListener.Services(engine, loops, codecs, metrics, AccessLog.OFF, log);
    GrpcListener listener = new GrpcListener(options, IDENTITY, services);
    listener.start();
    return listener;
  }

  /** A new channel to the listener for gRPC; the caller's to close. */
  ManagedChannel channel() {
    return NettyChannelBuilder.forAddress("127.0.0.1", grpc.port()).usePlaintext().build();
  }

  private HttpListener listener(
      String name, dev.nereid.http.Handler handler, RefusalAnswers refusals) {
    ListenerServices services =
        new ListenerServices(
            loops, engine.memory, engine.ticker(), HttpMetrics.NONE, AccessLog.OFF, refusals);
    HttpListener listener = new HttpListener(ListenerOptions.of(name, 0), services, handler);
    listener.start();
    return listener;
  }

  /** A log of which only the settings are kept. */
  static final class HeldLog implements LogControl {
    private LogSettings settings = new LogSettings("", true, true, true, 0, "default");

    @Override
    public synchronized LogSettings settings() {
      return settings;
    }

    @Override
    public synchronized LogSettings update(UnaryOperator<LogSettings> change) {
      settings = change.apply(settings);
      return settings;
    }
  }

  static void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + 10_000_000_000L;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as(what).isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Override
  public void close() {
    engine.release();
    await("every lease given back", () -> engine.memory.openLeases() == 0);
    http.close();
    scrape.close();
    grpc.close();
    codecs.close();
    loops.close();
    engine.close();
  }
}
