package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.common.util.concurrent.ListenableFuture;
import com.google.protobuf.ByteString;
import com.google.protobuf.Message;
import dev.nereid.core.Damage;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.LogSettingsRequest;
import dev.nereid.protocol.proto.ModelConfigRequest;
import dev.nereid.protocol.proto.ModelMetadataRequest;
import dev.nereid.protocol.proto.ModelReadyRequest;
import dev.nereid.protocol.proto.ModelRepositoryParameter;
import dev.nereid.protocol.proto.ModelStatisticsRequest;
import dev.nereid.protocol.proto.RepositoryIndexRequest;
import dev.nereid.protocol.proto.RepositoryModelLoadRequest;
import dev.nereid.protocol.proto.RepositoryModelUnloadRequest;
import dev.nereid.protocol.proto.ServerLiveRequest;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.stub.ClientCalls;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Messages of every call but ModelInfer, damaged at random. A failure repeats with its round. */
@Timeout(60)
final class GrpcFuzzTest {
  private static final int ROUNDS = 150;
  private static final String V2 = GRPCInferenceServiceGrpc.SERVICE_NAME + "/";

  /** What a caller may be told; not that nobody knows, or that the server failed or was late. */
  private static final Set<Status.Code> WORDS =
      EnumSet.of(
          Status.Code.OK,
          Status.Code.INVALID_ARGUMENT,
          Status.Code.NOT_FOUND,
          Status.Code.UNIMPLEMENTED);

  /** Valid messages of calls, by method; those that take none get one that says nothing. */
  private static final Map<String, Message> CALLS =
      Map.of(
          V2 + "ModelReady",
          ModelReadyRequest.newBuilder().setName("echo").setVersion("3").build(),
          V2 + "ModelMetadata",
          ModelMetadataRequest.newBuilder().setName("echo").setVersion("3").build(),
          V2 + "ModelConfig",
          ModelConfigRequest.newBuilder().setName("echo").setVersion("1").build(),
          V2 + "ModelStatistics",
          ModelStatisticsRequest.newBuilder().setName("echo").setVersion("3").build(),
          V2 + "RepositoryIndex",
          RepositoryIndexRequest.newBuilder().setReady(true).build(),
          V2 + "RepositoryModelLoad",
          RepositoryModelLoadRequest.newBuilder()
              .setModelName("echo")
              .putParameters("config", text("{\"backend\":\"identity\",\"max_batch_size\":4}"))
              .putParameters(
                  "file:1/model.onnx",
                  ModelRepositoryParameter.newBuilder()
                      .setBytesParam(ByteString.copyFromUtf8("some bytes"))
                      .build())
              .build(),
          V2 + "RepositoryModelUnload",
          RepositoryModelUnloadRequest.newBuilder()
              .setModelName("echo")
              .putParameters(
                  "unload_dependents",
                  ModelRepositoryParameter.newBuilder().setBoolParam(true).build())
              .build(),
          V2 + "LogSettings",
          LogSettingsRequest.newBuilder()
              .putSettings("log_verbose_level", number(1))
              .putSettings("log_format", word("ISO8601"))
              .build(),
          "grpc.health.v1.Health/Check",
          HealthCheckRequest.newBuilder().setService("inference").build(),
          "grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
          io.grpc.reflection.v1.ServerReflectionRequest.newBuilder()
              .setHost("a")
              .setFileContainingSymbol("inference.GRPCInferenceService")
              .build());

  private static RunningServer server;
  private static ManagedChannel channel;

  @BeforeAll
  static void start() {
    server = new RunningServer();
    channel = server.channel();
  }

  @AfterAll
  static void stop() throws InterruptedException {
    channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    server.close();
  }

  private static ModelRepositoryParameter text(String value) {
    return ModelRepositoryParameter.newBuilder().setStringParam(value).build();
  }

  private static LogSettingsRequest.SettingValue number(int value) {
    return LogSettingsRequest.SettingValue.newBuilder().setUint32Param(value).build();
  }

  private static LogSettingsRequest.SettingValue word(String value) {
    return LogSettingsRequest.SettingValue.newBuilder().setStringParam(value).build();
  }

  static Stream<String> methods() {
    return CALLS.keySet().stream().sorted();
  }

  @Test
  void everyUnaryCallThatTakesSomethingIsAmongThem() {
    Set<String> others = new HashSet<>();
    for (var method : GRPCInferenceServiceGrpc.getServiceDescriptor().getMethods()) {
      others.add(String.valueOf(method.getBareMethodName()));
    }
    CALLS.keySet().forEach(known -> others.remove(known.replace(V2, "")));
    assertThat(others)
        .as("take nothing, are not offered, or are fuzzed by themselves (ModelInfer)")
        .allMatch(
            name ->
                Set.of("ServerLive", "ServerReady", "ServerMetadata", "ModelInfer").contains(name)
                    || name.contains("SharedMemory")
                    || Set.of("ModelStreamInfer", "TraceSetting").contains(name));
  }

  @ParameterizedTest
  @MethodSource("methods")
  void whateverIsSentIsAnsweredInWords(String method) throws Exception {
    byte[] whole = CALLS.getOrDefault(method, ServerLiveRequest.getDefaultInstance()).toByteArray();
    Random random = new Random(method.hashCode());
    List<ListenableFuture<byte[]>> calls = new ArrayList<>();
    calls.add(call(method, whole));
    for (int i = 1; i < ROUNDS; i++) {
      calls.add(call(method, Damage.of(whole, random, "\u0000", "echo", "\n", "config", "\u007f")));
    }
    for (int i = 0; i < ROUNDS; i++) {
      Status status = status(calls.get(i));
      assertThat(WORDS).as("round %d: %s", i, status).contains(status.getCode());
      assertThat(i > 0 || status.isOk()).as("undamaged: %s", status).isTrue();
    }
    assertThat(
            GRPCInferenceServiceGrpc.newBlockingStub(channel)
                .serverLive(ServerLiveRequest.getDefaultInstance())
                .getLive())
        .isTrue();
    RunningServer.await("calls", () -> server.grpc.openCalls() == 0);
    assertThat(server.engine.memory.openLeases()).isZero();
  }

  private static ListenableFuture<byte[]> call(String method, byte[] message) {
    MethodDescriptor<byte[], byte[]> raw =
        MethodDescriptor.newBuilder(new RawMessages(), new RawMessages())
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(method)
            .build();
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(30, TimeUnit.SECONDS);
    return ClientCalls.futureUnaryCall(channel.newCall(raw, options), message);
  }

  private static Status status(ListenableFuture<byte[]> call) throws InterruptedException {
    try {
      call.get();
      return Status.OK;
    } catch (ExecutionException e) {
      return Status.fromThrowable(e);
    }
  }
}
