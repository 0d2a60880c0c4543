package dev.nereid.client;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelDynamicBatching;
import dev.nereid.config.proto.ModelSequenceBatching;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceImplBase;
import dev.nereid.protocol.proto.ModelConfigRequest;
import dev.nereid.protocol.proto.ModelConfigResponse;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferResponse;
import dev.nereid.protocol.proto.ModelReadyRequest;
import dev.nereid.protocol.proto.ModelReadyResponse;
import dev.nereid.protocol.proto.ModelStatisticsRequest;
import dev.nereid.protocol.proto.ModelStatisticsResponse;
import dev.nereid.protocol.proto.RepositoryIndexRequest;
import dev.nereid.protocol.proto.RepositoryIndexResponse;
import dev.nereid.protocol.proto.ServerLiveRequest;
import dev.nereid.protocol.proto.ServerLiveResponse;
import dev.nereid.protocol.proto.ServerReadyRequest;
import dev.nereid.protocol.proto.ServerReadyResponse;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A v2 server on a port that the system chose, which does what a test says. Answers every input as
 * an output, unless told otherwise.
 */
final class ScriptedServer extends GRPCInferenceServiceImplBase implements AutoCloseable {
  /** What becomes of an inference. */
  interface Script {
    void run(ModelInferRequest request, StreamObserver<ModelInferResponse> reply);
  }

  static final Script ECHO = ScriptedServer::echo;

  final AtomicInteger calls = new AtomicInteger();
  final Set<String> ready = ConcurrentHashMap.newKeySet();
  final LinkedBlockingQueue<ModelInferRequest> received = new LinkedBlockingQueue<>();
  final LinkedBlockingQueue<Runnable> held = new LinkedBlockingQueue<>();
  volatile Script script = ECHO;
  volatile boolean silent;

  /** Says that it is not ready, and no model of it; inferences run. */
  volatile boolean withdrawn;

  /** Says that it is not ready, because of a model that is not served. */
  volatile boolean unsound;

  private final int port;
  private Server server;

  ScriptedServer(String... models) throws IOException {
    ready.addAll(List.of(models));
    server = listen(0);
    port = server.getPort();
  }

  private Server listen(int wanted) throws IOException {
    return NettyServerBuilder.forAddress(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), wanted))
        .addService(this)
        .build()
        .start();
  }

  Endpoint endpoint() {
    return new Endpoint("127.0.0.1", port);
  }

  boolean isUp() {
    return !server.isShutdown();
  }

  /** Ends every connection, as a process that is killed does. */
  void kill() {
    server.shutdownNow();
    try {
      server.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  void restart() throws IOException {
    server = listen(port);
  }

  /** Keeps inferences until {@link #held} is run. */
  void hold() {
    script = (request, reply) -> held.add(() -> echo(request, reply));
  }

  static Script failing(Status status, @Nullable Long pushbackMillis) {
    return (_, reply) -> {
      Metadata trailers = new Metadata();
      if (pushbackMillis != null) {
        trailers.put(
            Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER),
            Long.toString(pushbackMillis));
      }
      reply.onError(status.asRuntimeException(trailers));
    };
  }

  private static void echo(ModelInferRequest request, StreamObserver<ModelInferResponse> reply) {
    var answer =
        ModelInferResponse.newBuilder()
            .setModelName(request.getModelName())
            .setModelVersion("1")
            .setId(request.getId());
    for (int i = 0; i < request.getInputsCount(); i++) {
      var input = request.getInputs(i);
      answer.addOutputs(
          ModelInferResponse.InferOutputTensor.newBuilder()
              .setName(input.getName())
              .setDatatype(input.getDatatype())
              .addAllShape(input.getShapeList()));
      answer.addRawOutputContents(request.getRawInputContents(i));
    }
    reply.onNext(answer.build());
    reply.onCompleted();
  }

  @Override
  public void modelInfer(ModelInferRequest request, StreamObserver<ModelInferResponse> reply) {
    calls.incrementAndGet();
    received.add(request);
    script.run(request, reply);
  }

  @Override
  public void serverLive(ServerLiveRequest request, StreamObserver<ServerLiveResponse> reply) {
    if (!silent) {
      reply.onNext(ServerLiveResponse.newBuilder().setLive(true).build());
      reply.onCompleted();
    }
  }

  @Override
  public void serverReady(ServerReadyRequest request, StreamObserver<ServerReadyResponse> reply) {
    reply.onNext(ServerReadyResponse.newBuilder().setReady(!withdrawn && !unsound).build());
    reply.onCompleted();
  }

  @Override
  public void modelReady(ModelReadyRequest request, StreamObserver<ModelReadyResponse> reply) {
    boolean known = ready.contains(request.getName());
    reply.onNext(ModelReadyResponse.newBuilder().setReady(!withdrawn && known).build());
    reply.onCompleted();
  }

  @Override
  public void repositoryIndex(
      RepositoryIndexRequest request, StreamObserver<RepositoryIndexResponse> reply) {
    var index = RepositoryIndexResponse.newBuilder();
    ready.forEach(
        model -> index.addModelsBuilder().setName(model).setVersion("1").setState("READY"));
    reply.onNext(index.build());
    reply.onCompleted();
  }

  @Override
  public void modelConfig(ModelConfigRequest request, StreamObserver<ModelConfigResponse> reply) {
    var config = ModelConfig.newBuilder().setName(request.getName());
    if (request.getName().equals("levels")) {
      config.setDynamicBatching(ModelDynamicBatching.newBuilder().setPriorityLevels(3));
    } else if (request.getName().equals("ensemble")) {
      config.getEnsembleSchedulingBuilder().addStepBuilder().setModelName("levels");
    } else if (request.getName().equals("sequence")) {
      config.setSequenceBatching(ModelSequenceBatching.getDefaultInstance());
    }
    reply.onNext(ModelConfigResponse.newBuilder().setConfig(config).build());
    reply.onCompleted();
  }

  @Override
  public void modelStatistics(
      ModelStatisticsRequest request, StreamObserver<ModelStatisticsResponse> reply) {
    reply.onNext(ModelStatisticsResponse.getDefaultInstance());
    reply.onCompleted();
  }

  @Override
  public void close() {
    kill();
  }
}
