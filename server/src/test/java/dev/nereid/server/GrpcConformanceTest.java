package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import dev.nereid.core.InferRequest;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.InferParameter;
import dev.nereid.protocol.proto.InferTensorContents;
import dev.nereid.protocol.proto.ModelConfigRequest;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferRequest.InferInputTensor;
import dev.nereid.protocol.proto.ModelInferRequest.InferRequestedOutputTensor;
import dev.nereid.protocol.proto.ModelInferResponse;
import dev.nereid.protocol.proto.ModelMetadataRequest;
import dev.nereid.protocol.proto.ModelReadyRequest;
import dev.nereid.protocol.proto.ModelStatisticsRequest;
import dev.nereid.protocol.proto.RepositoryIndexRequest;
import dev.nereid.protocol.proto.RepositoryModelLoadRequest;
import dev.nereid.protocol.proto.ServerLiveRequest;
import dev.nereid.protocol.proto.ServerMetadataRequest;
import dev.nereid.protocol.proto.ServerReadyRequest;
import io.grpc.Codec;
import io.grpc.Compressor;
import io.grpc.CompressorRegistry;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.reflection.v1.ServerReflectionRequest;
import io.grpc.reflection.v1.ServerReflectionResponse;
import io.grpc.stub.StreamObserver;
import java.io.OutputStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.DeflaterOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The v2 protocol over gRPC, as the generated stubs see it. */
final class GrpcConformanceTest {
  @SuppressWarnings("NullAway.Init")
  private static RunningServer server;

  @SuppressWarnings("NullAway.Init")
  private static ManagedChannel channel;

  @BeforeAll
  static void start() {
    server = new RunningServer();
    channel = channelTo(server);
  }

  @AfterAll
  static void stop() throws InterruptedException {
    channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    server.close();
  }

  @AfterEach
  void everyLeaseIsGivenBack() {
    server.engine.live = true;
    RunningServer.await("leases", () -> server.engine.memory.openLeases() == 0);
    RunningServer.await("calls", () -> server.grpc.openCalls() == 0);
  }

  private static ManagedChannel channelTo(RunningServer target) {
    return NettyChannelBuilder.forAddress("127.0.0.1", target.grpc.port())
        .usePlaintext()
        .compressorRegistry(compressors())
        .maxInboundMessageSize(1 << 28)
        .build();
  }

  private static CompressorRegistry compressors() {
    CompressorRegistry registry = CompressorRegistry.newEmptyInstance();
    registry.register(new Codec.Gzip());
    registry.register(
        new Compressor() {
          @Override
          public String getMessageEncoding() {
            return "deflate";
          }

          @Override
          public OutputStream compress(OutputStream packed) {
            return new DeflaterOutputStream(packed);
          }
        });
    return registry;
  }

  private static GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub stub() {
    return GRPCInferenceServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(Duration.ofSeconds(20));
  }

  private static ModelInferRequest.Builder echo(byte[] blob) {
    return ModelInferRequest.newBuilder()
        .setModelName("echo")
        .setId("7")
        .addInputs(
            InferInputTensor.newBuilder()
                .setName("x")
                .setDatatype("UINT8")
                .addShape(1)
                .addShape(blob.length))
        .addRawInputContents(ByteString.copyFrom(blob));
  }

  private static void refused(ModelInferRequest.Builder request, Status.Code code, String text) {
    assertThatThrownBy(() -> stub().modelInfer(request.build()))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class, e -> assertThat(e.getStatus().getCode()).isEqualTo(code))
        .hasMessageContaining(text);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 500, 16_000, 602_112, 5_000_000})
  void tensorsComeBackByteForByte(int size) {
    byte[] blob = new byte[size];
    new Random(size).nextBytes(blob);
    ModelInferResponse response = stub().modelInfer(echo(blob).build());
    assertThat(response.getModelName()).isEqualTo("echo");
    assertThat(response.getModelVersion()).isEqualTo("3");
    assertThat(response.getId()).isEqualTo("7");
    assertThat(response.getOutputs(0).getName()).isEqualTo("x_OUT");
    assertThat(response.getOutputs(0).getShapeList()).containsExactly(1L, (long) size);
    assertThat(response.getRawOutputContents(0).toByteArray()).isEqualTo(blob);
  }

  @Test
  void typedContentsAndClassificationWork() {
    ModelInferResponse response =
        stub()
            .modelInfer(
                ModelInferRequest.newBuilder()
                    .setModelName("echo")
                    .setModelVersion("1")
                    .addInputs(
                        InferInputTensor.newBuilder()
                            .setName("x")
                            .setDatatype("FP32")
                            .addShape(1)
                            .addShape(2)
                            .setContents(
                                InferTensorContents.newBuilder()
                                    .addFp32Contents(0.25f)
                                    .addFp32Contents(0.75f)))
                    .addOutputs(
                        InferRequestedOutputTensor.newBuilder()
                            .setName("x_OUT")
                            .putParameters(
                                "classification",
                                InferParameter.newBuilder().setInt64Param(1).build()))
                    .build());
    assertThat(response.getModelVersion()).isEqualTo("1");
    assertThat(response.getOutputs(0).getDatatype()).isEqualTo("BYTES");
    assertThat(response.getRawOutputContents(0).substring(4).toStringUtf8())
        .isEqualTo("0.750000:1:dog");
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate"})
  void packedMessagesAreUnderstood(String encoding) {
    byte[] blob = new byte[200_000];
    ModelInferResponse response = stub().withCompression(encoding).modelInfer(echo(blob).build());
    assertThat(response.getRawOutputContents(0).toByteArray()).isEqualTo(blob);
  }

  @Test
  void aPackedMessageThatUnpacksTooLargeIsRefused() {
    var bomb = echo(new byte[GrpcMarshallers.MOST_UNPACKED + 1]).build();
    assertThatThrownBy(() -> stub().withCompression("gzip").modelInfer(bomb))
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED));
  }

  @ParameterizedTest
  @ValueSource(strings = {"gzip", "deflate"})
  void aDamagedPackedMessageIsTheCallersFault(String encoding) throws InterruptedException {
    CompressorRegistry damaging = CompressorRegistry.newEmptyInstance();
    damaging.register(
        new Compressor() {
          @Override
          public String getMessageEncoding() {
            return encoding;
          }

          @Override
          public OutputStream compress(OutputStream packed) {
            return packed; // as it is, under a name that promises otherwise
          }
        });
    ManagedChannel own =
        NettyChannelBuilder.forAddress("127.0.0.1", server.grpc.port())
            .usePlaintext()
            .compressorRegistry(damaging)
            .build();
    var stub = GRPCInferenceServiceGrpc.newBlockingStub(own).withCompression(encoding);
    ModelInferRequest message = echo(new byte[64]).build();
    assertThatThrownBy(() -> stub.modelInfer(message))
        .hasMessageStartingWith("INVALID_ARGUMENT: message: damaged, cannot be unpacked: ");
    own.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
  }

  @Test
  void failuresHaveTheirStatusAndTritonsWords() {
    byte[] blob = new byte[4];
    refused(
        echo(blob).setModelName("nope"),
        Status.Code.NOT_FOUND,
        "Request for unknown model: 'nope' is not found");
    refused(echo(blob).setModelVersion("9"), Status.Code.NOT_FOUND, "version 9 is not found");
    refused(
        echo(blob).setModelVersion("v"),
        Status.Code.INVALID_ARGUMENT,
        "failed to get model version from specified version string");
    refused(echo(blob).setModelName("broken"), Status.Code.INTERNAL, "the back end broke");
    refused(
        echo(blob)
            .clearRawInputContents()
            .addInputs(echo(blob).getInputs(0))
            .addRawInputContents(ByteString.EMPTY),
        Status.Code.INVALID_ARGUMENT,
        "unable to find data for input tensor 'x' for model 'echo' in request");
    refused(
        echo(blob)
            .setInputs(
                0,
                echo(blob).getInputs(0).toBuilder()
                    .putParameters(
                        "shared_memory_region",
                        InferParameter.newBuilder().setStringParam("r").build())),
        Status.Code.UNIMPLEMENTED,
        "Client shared memory is disabled");
  }

  @Test
  void controlCallsAnswer() {
    assertThat(stub().serverLive(ServerLiveRequest.getDefaultInstance()).getLive()).isTrue();
    assertThat(stub().serverReady(ServerReadyRequest.getDefaultInstance()).getReady()).isTrue();
    assertThat(stub().serverMetadata(ServerMetadataRequest.getDefaultInstance()).getName())
        .isEqualTo("triton");
    assertThat(stub().modelReady(ModelReadyRequest.newBuilder().setName("echo").build()).getReady())
        .isTrue();
    assertThat(
            stub().modelReady(ModelReadyRequest.newBuilder().setName("loading").build()).getReady())
        .isFalse();
    assertThat(
            stub()
                .modelMetadata(ModelMetadataRequest.newBuilder().setName("echo").build())
                .getInputs(0)
                .getShapeList())
        .containsExactly(-1L, -1L);
    assertThat(
            stub()
                .modelConfig(ModelConfigRequest.newBuilder().setName("echo").build())
                .getConfig()
                .getMaxBatchSize())
        .isEqualTo(8);
    assertThat(
            stub()
                .modelStatistics(ModelStatisticsRequest.getDefaultInstance())
                .getModelStats(0)
                .getInferenceStats()
                .getSuccess()
                .getCount())
        .isEqualTo(2);
    assertThat(
            stub()
                .repositoryIndex(RepositoryIndexRequest.newBuilder().setReady(true).build())
                .getModelsCount())
        .isEqualTo(1);
    assertThatThrownBy(
            () -> stub().modelReady(ModelReadyRequest.newBuilder().setName("nope").build()))
        .hasMessageContaining("NOT_FOUND: Request for unknown model: 'nope' is not found");
    assertThatThrownBy(
            () -> stub().repositoryModelLoad(RepositoryModelLoadRequest.getDefaultInstance()))
        .hasMessageContaining("NOT_FOUND");
  }

  @Test
  void healthIsTheServersReadiness() {
    HealthGrpc.HealthBlockingStub health = HealthGrpc.newBlockingStub(channel);
    HealthCheckRequest request = HealthCheckRequest.newBuilder().setService("any").build();
    assertThat(health.check(request).getStatus()).isEqualTo(ServingStatus.SERVING);
    server.engine.live = false;
    assertThat(health.check(request).getStatus()).isEqualTo(ServingStatus.NOT_SERVING);
  }

  @Test
  void reflectionListsTheServiceAndItsFile() {
    List<ServerReflectionResponse> responses = new ArrayList<>();
    CompletableFuture<Void> end = new CompletableFuture<>();
    StreamObserver<ServerReflectionRequest> requests =
        ServerReflectionGrpc.newStub(channel)
            .serverReflectionInfo(
                new StreamObserver<>() {
                  @Override
                  public void onNext(ServerReflectionResponse response) {
                    responses.add(response);
                  }

                  @Override
                  public void onError(Throwable t) {
                    end.completeExceptionally(t);
                  }

                  @Override
                  public void onCompleted() {
                    end.complete(null);
                  }
                });
    requests.onNext(ServerReflectionRequest.newBuilder().setListServices("").build());
    requests.onNext(
        ServerReflectionRequest.newBuilder()
            .setFileContainingSymbol("inference.GRPCInferenceService")
            .build());
    requests.onCompleted();
    end.join();
    assertThat(responses.get(0).getListServicesResponse().toString())
        .contains("inference.GRPCInferenceService", "grpc.health.v1.Health");
    assertThat(responses.get(1).getFileDescriptorResponse().getFileDescriptorProtoCount())
        .isPositive();
  }

  @Test
  void aCancelledCallIsNotExecuted() {
    server.engine.hold();
    server.engine.received.clear();
    ListenableFuture<ModelInferResponse> call =
        GRPCInferenceServiceGrpc.newFutureStub(channel).modelInfer(echo(new byte[4]).build());
    RunningServer.await("request", () -> !server.engine.received.isEmpty());
    call.cancel(true);
    InferRequest request = server.engine.received.element();
    RunningServer.await("cancellation", request::isCancelled);
    int executed = server.engine.executed.get();
    server.engine.release();
    RunningServer.await("end", request::isDone);
    assertThat(server.engine.executed).hasValue(executed);
  }

  @Test
  void theClientsDeadlineComesAlongAndCancels() {
    server.engine.hold();
    server.engine.received.clear();
    long before = System.nanoTime();
    assertThatThrownBy(
            () ->
                GRPCInferenceServiceGrpc.newBlockingStub(channel)
                    .withDeadlineAfter(Duration.ofMillis(300))
                    .modelInfer(echo(new byte[4]).build()))
        .hasMessageContaining("DEADLINE_EXCEEDED");
    InferRequest request = server.engine.received.element();
    assertThat(request.call().deadlineNanos())
        .isBetween(before, before + TimeUnit.SECONDS.toNanos(2));
    RunningServer.await("cancellation", request::isCancelled);
    server.engine.release();
    RunningServer.await("end", request::isDone);
  }

  @Test
  void thousandsOfCallsInFlightOnOneConnectionAreAllAnswered() throws Exception {
    server.engine.hold();
    GRPCInferenceServiceGrpc.GRPCInferenceServiceFutureStub stub =
        GRPCInferenceServiceGrpc.newFutureStub(channel);
    List<ListenableFuture<ModelInferResponse>> calls = new ArrayList<>();
    for (int i = 0; i < 2_000; i++) {
      calls.add(stub.modelInfer(echo(new byte[] {(byte) i, (byte) (i >> 8)}).build()));
    }
    server.engine.release();
    for (int i = 0; i < calls.size(); i++) {
      assertThat(calls.get(i).get(20, TimeUnit.SECONDS).getRawOutputContents(0).toByteArray())
          .containsExactly((byte) i, (byte) (i >> 8));
    }
  }

  @Test
  void beyondTheLimitsTheAnswerIsImmediate() throws Exception {
    try (RunningServer small = new RunningServer(new GrpcOptions.Limits(1 << 20, 2, 3_000_000))) {
      ManagedChannel narrow = channelTo(small);
      GRPCInferenceServiceGrpc.GRPCInferenceServiceFutureStub stub =
          GRPCInferenceServiceGrpc.newFutureStub(narrow);
      small.engine.hold();
      List<ListenableFuture<ModelInferResponse>> held =
          List.of(
              stub.modelInfer(echo(new byte[4]).build()),
              stub.modelInfer(echo(new byte[4]).build()));
      RunningServer.await("requests", () -> small.engine.received.size() == 2);
      assertThatThrownBy(() -> stub.modelInfer(echo(new byte[4]).build()).get())
          .hasMessageContaining("UNAVAILABLE: requests in flight: too many");
      assertThatThrownBy(() -> stub.modelInfer(echo(new byte[2 << 20]).build()).get())
          .hasMessageContaining("RESOURCE_EXHAUSTED");
      small.engine.release();
      for (ListenableFuture<ModelInferResponse> call : held) {
        assertThat(call.get().getRawOutputContentsCount()).isEqualTo(1);
      }
      assertThat(stub.modelInfer(echo(new byte[4]).build()).get().getId()).isEqualTo("7");
      String ended = "nereid_grpc_requests_total{status=\"OK\"} 3";
      RunningServer.await("count", () -> small.metrics.scrape().contains(ended));
      narrow.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }

  @Test
  void drainingWaitsForWhatRuns() throws Exception {
    try (RunningServer ending = new RunningServer()) {
      ManagedChannel own = channelTo(ending);
      ending.engine.hold();
      ListenableFuture<ModelInferResponse> call =
          GRPCInferenceServiceGrpc.newFutureStub(own).modelInfer(echo(new byte[4]).build());
      RunningServer.await("request", () -> !ending.engine.received.isEmpty());
      assertThat(ending.grpc.drain(Duration.ofMillis(50))).isFalse();
      ending.engine.release();
      assertThat(call.get().getId()).isEqualTo("7");
      assertThat(ending.grpc.drain(Duration.ofSeconds(10))).isTrue();
      own.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    }
  }
}
