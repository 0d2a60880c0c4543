package dev.nereid.client;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.ModelConfigRequest;
import dev.nereid.protocol.proto.ModelMetadataRequest;
import dev.nereid.protocol.proto.ModelReadyRequest;
import dev.nereid.protocol.proto.ModelStatisticsRequest;
import dev.nereid.protocol.proto.ServerLiveRequest;
import dev.nereid.protocol.proto.ServerMetadataRequest;
import dev.nereid.protocol.proto.ServerReadyRequest;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ConnectivityState;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.buffer.ByteBuf;
import io.netty.handler.ssl.SslContext;
import java.io.IOException;
import java.net.ConnectException;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * The v2 protocol over gRPC: one shared channel, or a pool of K.
 *
 * <p>Inference takes a path of its own: the message is encoded beforehand, copied once into the
 * frames of HTTP/2, and the reply reaches the receiver undecoded. Everything else goes through
 * generated stubs. Calls are never repeated by the transport.
 */
public final class GrpcInferenceClient implements InferenceClient {
  private static final long CONTROL_SECONDS = 10;
  private static final long CLOSE_SECONDS = 2;
  private static final MethodDescriptor<byte[], ByteBuf> MODEL_INFER =
      MethodDescriptor.<byte[], ByteBuf>newBuilder()
          .setType(MethodDescriptor.MethodType.UNARY)
          .setFullMethodName(GRPCInferenceServiceGrpc.getModelInferMethod().getFullMethodName())
          .setRequestMarshaller(new GrpcMarshallers.Request())
          .setResponseMarshaller(new GrpcMarshallers.Reply())
          .build();

  private final ManagedChannel[] channels;
  private final AtomicInteger nextLane = new AtomicInteger();

  /** A client that connects on its first call. */
  public GrpcInferenceClient(GrpcOptions options, EventLoops loops) {
    channels = new ManagedChannel[options.channels()];
    TlsOptions tls = options.tls();
    SslContext context = tls == null ? null : tls.overGrpc();
    for (int i = 0; i < channels.length; i++) {
      channels[i] = open(options, context, loops);
    }
  }

  private static ManagedChannel open(
      GrpcOptions options, @Nullable SslContext tls, EventLoops loops) {
    NettyChannelBuilder builder =
        NettyChannelBuilder.forAddress(options.endpoint().host(), options.endpoint().port());
    TlsOptions wanted = options.tls();
    if (wanted != null && wanted.serverName() != null) {
      builder.overrideAuthority(wanted.serverName());
    }
    return (tls == null ? builder.usePlaintext() : builder.sslContext(tls))
        .eventLoopGroup(loops.group())
        .channelFactory(loops.channels())
        .directExecutor()
        .disableRetry()
        .flowControlWindow(options.flowControlWindow())
        .maxInboundMessageSize(Integer.MAX_VALUE)
        .build();
  }

  @Override
  public CompletableFuture<InferResult> infer(InferCall call) {
    PendingResult<InferResult> result = new PendingResult<>(this::decode);
    return result.sentAs(
        send(encode(call), nextLane.getAndIncrement(), call.timeout().toNanos(), result));
  }

  @Override
  public EncodedCall encode(InferCall call) {
    return EncodedCall.ofMessage(GrpcMessages.encode(call));
  }

  @Override
  public InFlight send(EncodedCall call, int lane, long timeoutNanos, Receiver receiver) {
    CallOptions options =
        timeoutNanos > 0
            ? CallOptions.DEFAULT.withDeadlineAfter(timeoutNanos, TimeUnit.NANOSECONDS)
            : CallOptions.DEFAULT;
    ClientCall<byte[], ByteBuf> rpc =
        channels[Math.floorMod(lane, channels.length)].newCall(MODEL_INFER, options);
    rpc.start(new ReplyListener(receiver), new Metadata());
    rpc.request(2); // a second one would be the server's error, and is reported as such
    rpc.sendMessage(call.message());
    rpc.halfClose();
    return () -> rpc.cancel("withdrawn by the caller", null);
  }

  @Override
  public InferResult decode(RawReply reply) {
    return GrpcMessages.decode(reply.body());
  }

  @Override
  public int connections() {
    int ready = 0;
    for (ManagedChannel channel : channels) {
      ready += channel.getState(false) == ConnectivityState.READY ? 1 : 0;
    }
    return ready;
  }

  @Override
  public boolean isLive() {
    try {
      return stub().serverLive(ServerLiveRequest.getDefaultInstance()).getLive();
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  @Override
  public boolean isReady() {
    try {
      return stub().serverReady(ServerReadyRequest.getDefaultInstance()).getReady();
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  @Override
  public boolean isModelReady(String model) {
    try {
      return stub().modelReady(ModelReadyRequest.newBuilder().setName(model).build()).getReady();
    } catch (StatusRuntimeException e) {
      return false;
    }
  }

  @Override
  public ServerInfo server() {
    return control(
        stub -> {
          var reply = stub.serverMetadata(ServerMetadataRequest.getDefaultInstance());
          return new ServerInfo(reply.getName(), reply.getVersion(), reply.getExtensionsList());
        });
  }

  @Override
  public ModelInfo model(String name) {
    return control(
        stub ->
            GrpcMessages.model(
                stub.modelMetadata(ModelMetadataRequest.newBuilder().setName(name).build())));
  }

  /** A model's configuration as the server completed it. */
  public ModelConfig config(String model) {
    return control(
        stub ->
            stub.modelConfig(ModelConfigRequest.newBuilder().setName(model).build()).getConfig());
  }

  @Override
  public List<ModelStatistics> statistics(String model) {
    return control(
        stub -> {
          var reply =
              stub.modelStatistics(ModelStatisticsRequest.newBuilder().setName(model).build());
          List<ModelStatistics> all = new ArrayList<>();
          reply.getModelStatsList().forEach(one -> all.add(GrpcMessages.statistics(one)));
          return all;
        });
  }

  @Override
  public void close() {
    for (ManagedChannel channel : channels) {
      channel.shutdownNow();
    }
    for (ManagedChannel channel : channels) {
      try {
        channel.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub stub() {
    return GRPCInferenceServiceGrpc.newBlockingStub(channels[0])
        .withDeadlineAfter(CONTROL_SECONDS, TimeUnit.SECONDS);
  }

  private <T> T control(
      Function<GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub, T> call) {
    try {
      return call.apply(stub());
    } catch (StatusRuntimeException e) {
      throw new InferenceException(failure(e.getStatus()));
    }
  }

  private static CallFailure failure(Status status) {
    String message = status.getDescription() == null ? "no description" : status.getDescription();
    return switch (status.getCode()) {
      case CANCELLED -> CallFailure.of(CallFailure.Kind.CANCELLED, message);
      case DEADLINE_EXCEEDED -> CallFailure.of(CallFailure.Kind.DEADLINE, message);
      default -> transportFailure(status, message);
    };
  }

  /** Tells a server that answers UNAVAILABLE from one that is not there. */
  private static CallFailure transportFailure(Status status, String message) {
    for (Throwable cause = status.getCause(); cause != null; cause = cause.getCause()) {
      if (cause instanceof ConnectException
          || cause instanceof UnknownHostException
          || cause instanceof SSLException) {
        return CallFailure.of(CallFailure.Kind.CONNECT, message + ": " + cause.getMessage());
      }
      if (cause instanceof IOException) {
        return CallFailure.of(CallFailure.Kind.LOST, message + ": " + cause.getMessage());
      }
    }
    if (status.getCode() == Status.Code.UNAVAILABLE && message.startsWith("Network closed")) {
      return CallFailure.of(CallFailure.Kind.LOST, message);
    }
    return CallFailure.server(status.getCode().name(), message);
  }

  /** Holds the reply until the status says that it counts. */
  private static final class ReplyListener extends ClientCall.Listener<ByteBuf> {
    private final Receiver receiver;
    private @Nullable ByteBuf reply; // confined: the call's own order

    ReplyListener(Receiver receiver) {
      this.receiver = receiver;
    }

    @Override
    public void onMessage(ByteBuf message) {
      ByteBuf earlier = reply;
      if (earlier != null) {
        earlier.release();
      }
      reply = message;
    }

    @Override
    public void onClose(Status status, Metadata trailers) {
      ByteBuf body = reply;
      reply = null;
      try {
        if (!status.isOk()) {
          receiver.failed(failure(status));
        } else if (body == null) {
          receiver.failed(CallFailure.of(CallFailure.Kind.MALFORMED, "reply: no message"));
        } else {
          receiver.received(new RawReply(body, -1));
        }
      } finally {
        if (body != null) {
          body.release();
        }
      }
    }
  }
}
