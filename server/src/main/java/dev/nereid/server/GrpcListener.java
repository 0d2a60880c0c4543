package dev.nereid.server;

import dev.nereid.access.AccessControl;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Tracer;
import dev.nereid.engine.Engine;
import dev.nereid.http.AccessLog;
import dev.nereid.http.EventLoops;
import dev.nereid.http.ListenerTls;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.telemetry.Metrics;
import io.grpc.CompressorRegistry;
import io.grpc.DecompressorRegistry;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.protobuf.services.ProtoReflectionServiceV1;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Listens for v2 over gRPC, with health checking and reflection.
 *
 * <p><b>Threading.</b> Called by control threads; thread-safe. Calls run on the event loops.
 *
 * <p><b>Order.</b> {@link #start} once; then, to end without losing a request, withdraw readiness,
 * {@link #drain}, {@link #close}. The event loops are closed after that.
 */
public final class GrpcListener implements AutoCloseable {
  /** What a client may send before we have read it: a picture-sized tensor in one go. */
  private static final int FLOW_CONTROL_WINDOW = 8 << 20;

  /** Of large messages that are on their way, and have their memory already. */
  private static final long GATHERED_AT_ONCE = 256 << 20;

  /** Answers are written out in pieces of about this size, not of Netty's 64 KiB. */
  private static final WriteBufferWaterMark WRITTEN_AT_ONCE =
      new WriteBufferWaterMark(256 << 10, 512 << 10);

  private static final long CLOSE_SECONDS = 5;

  /** For TLS and the first words of HTTP/2; as long as a request may take to arrive. */
  private static final long HANDSHAKE_SECONDS = 20;

  private final GrpcOptions options;
  private final Server server;
  private final GrpcTracing tracing;
  private final GrpcEnding ending;
  private final GrpcGathering gathering;

  /**
   * What the listener works with and does not own.
   *
   * @param tracer of inferences; null for no traces
   */
  public record Services(
      Engine engine,
      EventLoops loops,
      CodecThreads codecs,
      Metrics metrics,
      AccessLog accessLog,
      LogControl log,
      @Nullable Tracer tracer) {

    /** Services that trace nothing. */
    public Services(
        Engine engine,
        EventLoops loops,
        CodecThreads codecs,
        Metrics metrics,
        AccessLog accessLog,
        LogControl log) {
      this(engine, loops, codecs, metrics, accessLog, log, null);
    }

    /** Services of a server whose log is not its own. */
    public Services(
        Engine engine,
        EventLoops loops,
        CodecThreads codecs,
        Metrics metrics,
        AccessLog accessLog) {
      this(engine, loops, codecs, metrics, accessLog, LogControl.NONE);
    }
  }

  /** A listener that is not started yet. */
  public GrpcListener(GrpcOptions options, ServerIdentity identity, Services services) {
    this.options = options;
    tracing = new GrpcTracing(services.metrics());
    Engine engine = services.engine();
    ending = new GrpcEnding(engine.ticker());
    gathering =
        new GrpcGathering(
            engine.memory(),
            FLOW_CONTROL_WINDOW,
            Math.min(GATHERED_AT_ONCE, options.limits().inFlightBytes()));
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(
                new InetSocketAddress(options.address().host(), options.address().port()))
            .bossEventLoopGroup(services.loops().acceptors())
            .workerEventLoopGroup(services.loops().workers())
            .channelFactory(new GrpcChannels(services.loops(), gathering))
            .directExecutor()
            .withChildOption(ChannelOption.WRITE_BUFFER_WATER_MARK, WRITTEN_AT_ONCE)
            .flowControlWindow(FLOW_CONTROL_WINDOW)
            .maxInboundMessageSize(options.limits().messageBytes())
            .decompressorRegistry(
                DecompressorRegistry.getDefaultInstance()
                    .with(new DeflateDecompressor(), true)
                    .with(new GzipDecompressor(), true))
            .addStreamTracerFactory(tracing)
            .addService(guarded(inferenceService(services, identity)))
            .addService(guarded(GrpcDamage.told(new GrpcControl.Health(engine).bindService())))
            .addService(GrpcDamage.told(ProtoReflectionServiceV1.newInstance().bindService()))
            .addService(GrpcDamage.told(alphaReflection().bindService()));
    ask(builder);
    keepAlive(builder);
    if (options.address().shared()) {
      builder.withOption(services.loops().sharedPort(), true);
    }
    pack(builder);
    secure(builder);
    server = builder.build();
  }

  private ServerServiceDefinition guarded(ServerServiceDefinition service) {
    Restrictions restrictions = options.access().restrictions();
    return restrictions.isEmpty()
        ? ServerInterceptors.intercept(service, ending)
        : ServerInterceptors.intercept(service, ending, new GrpcGuard(restrictions));
  }

  private void ask(NettyServerBuilder builder) {
    AccessControl callers = options.access().callers();
    if (callers != null) {
      builder.intercept(new GrpcCallers(callers));
    }
  }

  private void pack(NettyServerBuilder builder) {
    if (options.packing() != GrpcOptions.Packing.NONE) {
      CompressorRegistry compressors = CompressorRegistry.newEmptyInstance();
      compressors.register(new GzipCompressor(options.packing().level()));
      builder.compressorRegistry(compressors);
    }
  }

  private void secure(NettyServerBuilder builder) {
    ListenerTls tls = options.tls();
    if (tls != null) {
      builder.sslContext(tls.context());
    }
  }

  @SuppressWarnings("deprecation") // grpcurl and other tools of today still ask for v1alpha
  private static io.grpc.BindableService alphaReflection() {
    return io.grpc.protobuf.services.ProtoReflectionService.newInstance();
  }

  private void keepAlive(NettyServerBuilder builder) {
    GrpcOptions.KeepAlive keepAlive = options.keepAlive();
    builder
        .keepAliveTime(keepAlive.time().toMillis(), TimeUnit.MILLISECONDS)
        .keepAliveTimeout(keepAlive.timeout().toMillis(), TimeUnit.MILLISECONDS)
        .permitKeepAliveWithoutCalls(keepAlive.withoutCalls())
        .permitKeepAliveTime(keepAlive.minClientInterval().toMillis(), TimeUnit.MILLISECONDS);
    builder.handshakeTimeout(HANDSHAKE_SECONDS, TimeUnit.SECONDS);
    Duration most = options.age().most();
    if (most != null) {
      builder.maxConnectionAge(most.toMillis(), TimeUnit.MILLISECONDS);
    }
    Duration grace = options.age().grace();
    if (grace != null) {
      builder.maxConnectionAgeGrace(grace.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  /** The generated service, but for ModelInfer, whose messages are not built as objects. */
  private ServerServiceDefinition inferenceService(Services services, ServerIdentity identity) {
    GrpcAdmission admission = new GrpcAdmission(options.limits());
    var generated =
        GrpcDamage.told(new GrpcControl(services.engine(), identity, services.log()).bindService());
    var infer =
        GRPCInferenceServiceGrpc.getModelInferMethod().toBuilder(
                new GrpcMarshallers.Request(services.engine().memory(), admission, gathering),
                new GrpcMarshallers.Response())
            .build();
    ServiceDescriptor known = generated.getServiceDescriptor();
    ServiceDescriptor.Builder descriptor =
        ServiceDescriptor.newBuilder(known.getName())
            .setSchemaDescriptor(known.getSchemaDescriptor());
    for (MethodDescriptor<?, ?> method : known.getMethods()) {
      descriptor.addMethod(isInfer(method) ? infer : method);
    }
    ServerServiceDefinition.Builder service = ServerServiceDefinition.builder(descriptor.build());
    for (var method : generated.getMethods()) {
      if (!isInfer(method.getMethodDescriptor())) {
        service.addMethod(method);
      }
    }
    return service
        .addMethod(
            infer,
            new GrpcInference(
                services,
                new LoopBatches.OfLoops(services.engine(), services.loops().workers()),
                new GrpcCallLog(
                    services.metrics(), services.accessLog(), services.engine().ticker()),
                options))
        .build();
  }

  private static boolean isInfer(MethodDescriptor<?, ?> method) {
    return method
        .getFullMethodName()
        .equals(GRPCInferenceServiceGrpc.getModelInferMethod().getFullMethodName());
  }

  /**
   * Begins to listen.
   *
   * @throws FaultException when the address cannot be bound; the message says what to do
   */
  public void start() {
    try {
      server.start();
    } catch (IOException e) {
      GrpcOptions.Address address = options.address();
      String remedy = address.flag().isEmpty() ? "" : "; try " + address.flag();
      Throwable cause = e.getCause() == null ? e : e.getCause();
      boolean taken = String.valueOf(cause.getMessage()).contains("in use");
      String message =
          taken
              ? "port " + address.port() + " is in use" + remedy
              : "cannot listen on %s:%d: %s%s"
                  .formatted(address.host(), address.port(), cause.getMessage(), remedy);
      Fault fault = taken ? Fault.ALREADY_EXISTS : Fault.INVALID_ARGUMENT;
      throw new FaultException(fault.with(message), e);
    }
  }

  /** The port that is listened on. */
  public int port() {
    return server.getPort();
  }

  /** How large messages are put together. */
  GrpcGathering gathering() {
    return gathering;
  }

  /** Calls begun and not ended. */
  public long openCalls() {
    return tracing.open();
  }

  /**
   * Accepts no more connections, tells clients to begin no more calls, and waits for those that
   * run. Calls that clients sent before they heard of it are served; later ones are refused.
   *
   * @return whether all ended within the time; {@link #close} ends the rest
   */
  public boolean drain(Duration limit) {
    ending.begin();
    server.shutdown();
    try {
      return server.awaitTermination(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Ends every call and connection at once. */
  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
