package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.ServerLiveRequest;
import io.grpc.CallOptions;
import io.grpc.ManagedChannel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.reflection.v1.ServerReflectionGrpc;
import io.grpc.stub.ClientCalls;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Bytes that are no message, sent to every call there is. */
final class GrpcDamageTest {
  /** A field that says it is longer than what follows. */
  private static final byte[] CUT_OFF = {0x0a, 0x7f, 'a'};

  /** A field of number zero, which no message has. */
  private static final byte[] NO_FIELD = {0x00, 0x01};

  private static RunningServer server;
  private static ManagedChannel channel;

  @BeforeAll
  static void start() {
    server = new RunningServer();
    channel =
        NettyChannelBuilder.forAddress("127.0.0.1", server.grpc.port()).usePlaintext().build();
  }

  @AfterAll
  static void stop() throws InterruptedException {
    channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    server.close();
  }

  static Stream<String> methods() {
    return Stream.of(
            GRPCInferenceServiceGrpc.getServiceDescriptor(),
            HealthGrpc.getServiceDescriptor(),
            ServerReflectionGrpc.getServiceDescriptor())
        .flatMap(service -> service.getMethods().stream())
        .filter(GrpcDamageTest::isOffered)
        .map(MethodDescriptor::getFullMethodName);
  }

  /** What is not offered is refused before anybody reads its messages. */
  private static boolean isOffered(MethodDescriptor<?, ?> method) {
    String name = String.valueOf(method.getBareMethodName());
    return method.getType() == MethodDescriptor.MethodType.UNARY
        || name.equals("ServerReflectionInfo");
  }

  @ParameterizedTest
  @MethodSource("methods")
  void aMessageThatCannotBeReadIsTheCallersFault(String method) {
    refused(method, CUT_OFF);
    refused(method, NO_FIELD);
    assertThat(
            GRPCInferenceServiceGrpc.newBlockingStub(channel)
                .serverLive(ServerLiveRequest.getDefaultInstance())
                .getLive())
        .isTrue();
  }

  @Test
  void nothingOfThemStaysOpen() {
    refused("inference.GRPCInferenceService/RepositoryModelLoad", CUT_OFF);
    RunningServer.await("calls", () -> server.grpc.openCalls() == 0);
    assertThat(server.engine.memory.openLeases()).isZero();
  }

  private static void refused(String method, byte[] message) {
    MethodDescriptor<byte[], byte[]> raw =
        MethodDescriptor.newBuilder(new RawMessages(), new RawMessages())
            .setType(MethodDescriptor.MethodType.UNARY)
            .setFullMethodName(method)
            .build();
    CallOptions options = CallOptions.DEFAULT.withDeadlineAfter(20, TimeUnit.SECONDS);
    assertThatThrownBy(() -> ClientCalls.blockingUnaryCall(channel, raw, options, message))
        .as(method)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.INVALID_ARGUMENT);
              assertThat(e.getStatus().getDescription()).isNotBlank();
            });
  }
}
