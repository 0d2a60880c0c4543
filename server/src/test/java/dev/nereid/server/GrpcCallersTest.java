package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.nereid.access.AccessControl;
import dev.nereid.access.AccessOptions;
import dev.nereid.access.ApiKey;
import dev.nereid.access.CallerLimits;
import dev.nereid.core.Ticker;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.nereid.protocol.proto.ModelStatisticsRequest;
import dev.nereid.protocol.proto.RepositoryIndexRequest;
import dev.nereid.protocol.proto.RepositoryModelLoadRequest;
import dev.nereid.protocol.proto.ServerLiveRequest;
import dev.nereid.protocol.proto.ServerMetadataRequest;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may call over gRPC, as clients see it. */
@Timeout(30)
final class GrpcCallersTest {
  private static final ApiKey CAMERA = ApiKey.make();
  private static final ApiKey LIMITED = ApiKey.make();
  private static final Metadata.Key<String> AUTHORIZATION =
      Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER);

  @TempDir Path folder;

  @SuppressWarnings("NullAway.Init")
  private RunningServer server;

  @SuppressWarnings("NullAway.Init")
  private AccessControl access;

  @SuppressWarnings("NullAway.Init")
  private GrpcListener grpc;

  @SuppressWarnings("NullAway.Init")
  private ManagedChannel channel;

  @BeforeEach
  void start() throws Exception {
    Path callers = folder.resolve("callers.yaml");
    Files.writeString(
        callers,
        """
        camera: {roles: [inference], keys: ["%s"]}
        limited: {roles: [inference], keys: ["%s"], rate: 0.01}
        """
            .formatted(CAMERA.digest(), LIMITED.digest()));
    server = new RunningServer();
    access =
        new AccessControl(
            new AccessOptions(callers, null, CallerLimits.NONE), server.metrics, Ticker.system());
    grpc = server.grpc(GrpcOptions.of(0).with(Access.OPEN.by(access)));
    channel = NettyChannelBuilder.forAddress("127.0.0.1", grpc.port()).usePlaintext().build();
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    grpc.close();
    access.close();
    server.close();
  }

  private GRPCInferenceServiceBlockingStub stub(String... authorizations) {
    Metadata headers = new Metadata();
    for (String authorization : authorizations) {
      headers.put(AUTHORIZATION, authorization);
    }
    return GRPCInferenceServiceGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private GRPCInferenceServiceBlockingStub camera() {
    return stub("Bearer " + CAMERA.reveal());
  }

  private static StatusRuntimeException failure(Runnable call) {
    StatusRuntimeException failure = catchThrowableOfType(StatusRuntimeException.class, call::run);
    assertThat(failure).isNotNull();
    return failure;
  }

  private static Status.Code code(Runnable call) {
    return failure(call).getStatus().getCode();
  }

  @Test
  void aKeyOpensWhatItsRolesAllow() {
    assertThat(camera().serverMetadata(ServerMetadataRequest.getDefaultInstance()).getName())
        .isEqualTo("triton");
    camera().repositoryIndex(RepositoryIndexRequest.getDefaultInstance());
    assertThat(code(() -> camera().modelStatistics(ModelStatisticsRequest.getDefaultInstance())))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    assertThat(
            code(
                () ->
                    camera().repositoryModelLoad(RepositoryModelLoadRequest.getDefaultInstance())))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
  }

  @Test
  void healthIsForEverybodyAndNothingElse() {
    assertThat(stub().serverLive(ServerLiveRequest.getDefaultInstance()).getLive()).isTrue();
    StatusRuntimeException missing =
        failure(() -> stub().serverMetadata(ServerMetadataRequest.getDefaultInstance()));
    assertThat(missing.getStatus().getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(missing.getStatus().getDescription()).startsWith("credentials: none");
  }

  @Test
  void whatIsNoKeyIsRefusedAndCounted() {
    var request = ServerMetadataRequest.getDefaultInstance();
    String good = "Bearer " + CAMERA.reveal();
    assertThat(code(() -> stub("Bearer guess").serverMetadata(request)))
        .isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(code(() -> stub("Basic " + CAMERA.reveal()).serverMetadata(request)))
        .isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(code(() -> stub(good, good).serverMetadata(request)))
        .isEqualTo(Status.Code.INVALID_ARGUMENT);
    assertThat(server.metrics.scrape())
        .contains("nereid_access_refusals_total{listener=\"grpc\",reason=\"unknown\"} 2");
  }

  @Test
  void whoAsksTooMuchIsToldWhenToComeBack() {
    var request = ServerMetadataRequest.getDefaultInstance();
    GRPCInferenceServiceBlockingStub limited = stub("Bearer " + LIMITED.reveal());
    limited.serverMetadata(request);
    StatusRuntimeException refused = failure(() -> limited.serverMetadata(request));
    assertThat(refused.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    Metadata trailers = Objects.requireNonNull(refused.getTrailers());
    var pushback =
        trailers.get(Metadata.Key.of("grpc-retry-pushback-ms", Metadata.ASCII_STRING_MARSHALLER));
    assertThat(Long.parseLong(String.valueOf(pushback))).isBetween(90_000L, 100_001L);
  }
}
