package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.nereid.access.AccessControl;
import dev.nereid.access.AccessOptions;
import dev.nereid.access.ApiKey;
import dev.nereid.access.CallerLimits;
import dev.nereid.access.TestTokens;
import dev.nereid.access.TokenOptions;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
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
  private static final TestTokens ISSUER = new TestTokens();

  /** More than gRPC takes in headers: such a call has no answer of ours. */
  private static final int LARGEST_HEADER = 8000;

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
    Path keys = ISSUER.writeKeys(folder.resolve("jwks.json"));
    TokenOptions tokens = TokenOptions.of(keys.toString(), TestTokens.ISSUER, TestTokens.AUDIENCE);
    access =
        new AccessControl(
            new AccessOptions(callers, tokens, CallerLimits.NONE), server.metrics, Ticker.system());
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
        .contains(
            "nereid_access_refusals_total{listener=\"grpc\",reason=\"unknown\"} 1",
            "nereid_access_refusals_total{listener=\"grpc\",reason=\"bad_token\"} 1",
            "nereid_access_refusals_total{listener=\"grpc\",reason=\"ambiguous\"} 1");
  }

  @Test
  void aTokenOpensWhatItsRolesAllow() {
    var asked = stub("Bearer " + ISSUER.token("alice", "inference"));
    asked.serverMetadata(ServerMetadataRequest.getDefaultInstance());
    asked.repositoryIndex(RepositoryIndexRequest.getDefaultInstance());
    assertThat(code(() -> asked.modelStatistics(ModelStatisticsRequest.getDefaultInstance())))
        .isEqualTo(Status.Code.PERMISSION_DENIED);
    var looking = stub("Bearer " + ISSUER.curveToken("bob", "metrics"));
    looking.modelStatistics(ModelStatisticsRequest.getDefaultInstance());
  }

  /** Expired, for others, without signature, of another's key: all that HTTP refuses. */
  @Test
  void forgedTokensOpenNothing() {
    List<String> told = new ArrayList<>();
    Logger ours = Logger.getLogger("dev.nereid");
    Handler all = hearing(told);
    ours.addHandler(all);
    ours.setLevel(Level.FINE);
    try {
      Map<String, String> forged = ISSUER.forged();
      assertThat(forged).containsKeys("expired", "another audience", "no signature");
      forged.forEach(
          (wrong, token) -> {
            StatusRuntimeException refused =
                failure(
                    () ->
                        stub("Bearer " + token)
                            .serverMetadata(ServerMetadataRequest.getDefaultInstance()));
            if (token.length() < LARGEST_HEADER) {
              assertThat(refused.getStatus().getCode())
                  .as(wrong)
                  .isEqualTo(Status.Code.UNAUTHENTICATED);
            }
            told.add(refused.getStatus().toString());
          });
      for (String token : forged.values()) {
        assertThat(TestTokens.secretsOf(token)).noneMatch(told.toString()::contains);
      }
    } finally {
      ours.removeHandler(all);
      ours.setLevel(null);
    }
    assertThat(server.metrics.scrape())
        .containsPattern("reason=\"expired\"} [1-9]")
        .containsPattern("reason=\"bad_token\"} [1-9]")
        .containsPattern("reason=\"wrong_claims\"} [1-9]");
  }

  @Test
  void guessedAndMisplacedKeysOpenNothing() {
    String key = CAMERA.reveal();
    for (String guess :
        List.of(
            "Bearer " + ApiKey.make().reveal(),
            "Bearer " + key.substring(0, key.length() - 1),
            "Bearer " + key + ", Bearer " + key,
            "Bearer",
            "Bearer camera",
            key)) {
      StatusRuntimeException refused =
          failure(() -> stub(guess).serverMetadata(ServerMetadataRequest.getDefaultInstance()));
      assertThat(refused.getStatus().getCode()).as(guess).isEqualTo(Status.Code.UNAUTHENTICATED);
      assertThat(refused.toString()).doesNotContain(key.substring(4));
    }
  }

  private static Handler hearing(List<String> told) {
    return new Handler() {
      @Override
      public void publish(LogRecord line) {
        told.add(line.getMessage() + " " + line.getThrown());
      }

      @Override
      public void flush() {}

      @Override
      public void close() {}
    };
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
