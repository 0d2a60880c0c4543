package dev.nereid.client;

import com.google.protobuf.ByteString;
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
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A v2 server on a port that the system chose, which does what a test says. Answers every input as
 * an output, unless told otherwise. Thread-safe.
 */
public final class ScriptedServer extends GRPCInferenceServiceImplBase implements AutoCloseable {
  /** What becomes of an inference. */
  public interface Script {
    /** Answers it now or later. */
    void run(ModelInferRequest request, StreamObserver<ModelInferResponse> reply);
  }

  /** Answers every input as an output. */
  public static final Script ECHO = ScriptedServer::echo;

  /** Inferences that came. */
  public final AtomicInteger calls = new AtomicInteger();

  /** Inferences whose caller withdrew, or whose deadline passed. */
  public final AtomicInteger cancelled = new AtomicInteger();

  /** The milliseconds that each inference was given; Long.MAX_VALUE for as many as it takes. */
  public final LinkedBlockingQueue<Long> patience = new LinkedBlockingQueue<>();

  /** What waits for its answer while inferences are kept. */
  public final LinkedBlockingQueue<Runnable> held = new LinkedBlockingQueue<>();

  /** Configurations by name; a model without one here has an empty one. */
  public final Map<String, ModelConfig> configs = new ConcurrentHashMap<>();

  /** What becomes of inferences. */
  public volatile Script script = ECHO;

  /** What is told when statistics are asked for. */
  public volatile Supplier<ModelStatisticsResponse> statistics =
      ModelStatisticsResponse::getDefaultInstance;

  final Set<String> ready = ConcurrentHashMap.newKeySet();
  final LinkedBlockingQueue<ModelInferRequest> received = new LinkedBlockingQueue<>();
  volatile boolean silent;

  /** Says that it is not ready, and no model of it; inferences run. */
  volatile boolean withdrawn;

  /** Says that it is not ready, because of a model that is not served. */
  volatile boolean unsound;

  private final int streams;
  private final int port;
  private Server server;

  /** A server with these models. */
  public ScriptedServer(String... models) throws IOException {
    this(Integer.MAX_VALUE, models);
  }

  /** A server that takes so many calls at a time on a connection. */
  ScriptedServer(int streams, String... models) throws IOException {
    this.streams = streams;
    ready.addAll(List.of(models));
    server = listen(0);
    port = server.getPort();
  }

  private Server listen(int wanted) throws IOException {
    return NettyServerBuilder.forAddress(
            new InetSocketAddress(InetAddress.getLoopbackAddress(), wanted))
        .addService(this)
        .maxConcurrentCallsPerConnection(streams)
        .build()
        .start();
  }

  /** Where it listens. */
  public Endpoint endpoint() {
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
    script = holding(ECHO);
  }

  /** Keeps inferences until {@link #held} is run. */
  public Script holding(Script then) {
    return (request, reply) -> held.add(() -> then.run(request, reply));
  }

  /** Answers with one output of a batch of one. */
  public static Script answering(String output, float... values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    ByteString content = ByteString.copyFrom(bytes);
    return (request, reply) -> {
      var answer =
          ModelInferResponse.newBuilder()
              .setModelName(request.getModelName())
              .setModelVersion("1")
              .setId(request.getId());
      answer
          .addOutputsBuilder()
          .setName(output)
          .setDatatype("FP32")
          .addShape(1)
          .addShape(values.length);
      reply.onNext(answer.addRawOutputContents(content).build());
      reply.onCompleted();
    };
  }

  /**
   * Fails with that status.
   *
   * @param pushbackMillis when to come again; null to say nothing of it
   */
  public static Script failing(Status status, @Nullable Long pushbackMillis) {
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
    Deadline deadline = Context.current().getDeadline();
    patience.add(deadline == null ? Long.MAX_VALUE : deadline.timeRemaining(TimeUnit.MILLISECONDS));
    ((ServerCallStreamObserver<ModelInferResponse>) reply)
        .setOnCancelHandler(cancelled::incrementAndGet);
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
    ModelConfig known = configs.get(request.getName());
    var config = known == null ? ModelConfig.newBuilder() : known.toBuilder();
    config.setName(request.getName());
    if (request.getName().equals("levels")) {
      config.setDynamicBatching(ModelDynamicBatching.newBuilder().setPriorityLevels(3));
    } else if (request.getName().equals("ensemble")) {
      config.getEnsembleSchedulingBuilder().addStepBuilder().setModelName("levels");
    } else if (request.getName().equals("nested")) {
      config.getEnsembleSchedulingBuilder().addStepBuilder().setModelName("nested");
      config.getEnsembleSchedulingBuilder().addStepBuilder().setModelName("ensemble");
    } else if (request.getName().equals("sequence")) {
      config.setSequenceBatching(ModelSequenceBatching.getDefaultInstance());
    }
    reply.onNext(ModelConfigResponse.newBuilder().setConfig(config).build());
    reply.onCompleted();
  }

  @Override
  public void modelStatistics(
      ModelStatisticsRequest request, StreamObserver<ModelStatisticsResponse> reply) {
    reply.onNext(statistics.get());
    reply.onCompleted();
  }

  @Override
  public void close() {
    kill();
  }
}
