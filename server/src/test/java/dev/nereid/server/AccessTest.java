package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.nereid.http.HttpListener;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferRequest.InferInputTensor;
import dev.nereid.protocol.proto.ModelInferResponse;
import dev.nereid.protocol.proto.ModelStatisticsRequest;
import dev.nereid.protocol.proto.ServerLiveRequest;
import dev.nereid.protocol.proto.ServerMetadataRequest;
import dev.nereid.server.GrpcOptions.Packing;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthGrpc;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Restricted endpoints, forwarded headers and packed answers, as clients see them. */
final class AccessTest {
  private static final String BODY =
      "{\"parameters\":{\"mine\":\"body\"},\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,1],\"data\":[1]}]}";

  private static final Access ACCESS =
      new Access(
          Restrictions.parse(
              List.of("health,statistics:Admin-Key=sesame=open", "model-config:other=2")),
          HeaderForwarding.matching("^x-fwd|^mine$|^priority$|triton_"));

  @SuppressWarnings("NullAway.Init")
  private static RunningServer server;

  @SuppressWarnings("NullAway.Init")
  private static HttpClient client;

  @SuppressWarnings("NullAway.Init")
  private static HttpListener http;

  @SuppressWarnings("NullAway.Init")
  private static GrpcListener grpc;

  @SuppressWarnings("NullAway.Init")
  private static ManagedChannel channel;

  @BeforeAll
  static void start() {
    server = new RunningServer();
    http = server.http(ACCESS);
    grpc = server.grpc(GrpcOptions.of(0).with(ACCESS).packing(Packing.MEDIUM));
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    channel = NettyChannelBuilder.forAddress("127.0.0.1", grpc.port()).usePlaintext().build();
  }

  @AfterAll
  static void stop() {
    client.close();
    channel.shutdownNow();
    http.close();
    grpc.close();
    server.close();
  }

  @AfterEach
  void everyLeaseIsGivenBack() {
    RunningServer.await("leases", () -> server.engine.memory.openLeases() == 0);
  }

  private static HttpResponse<String> send(HttpRequest.Builder request, String... headers)
      throws Exception {
    HttpRequest.Builder all = headers.length == 0 ? request : request.headers(headers);
    return client.send(all.build(), BodyHandlers.ofString());
  }

  private static HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + http.port() + path));
  }

  private static HttpResponse<String> infer(String... headers) throws Exception {
    return send(to("/v2/models/echo/infer").POST(BodyPublishers.ofString(BODY)), headers);
  }

  private static GRPCInferenceServiceBlockingStub stub(String... metadata) {
    return GRPCInferenceServiceGrpc.newBlockingStub(channel)
        .withInterceptors(MetadataUtils.newAttachHeadersInterceptor(metadata(metadata)))
        .withDeadlineAfter(Duration.ofSeconds(20));
  }

  private static Metadata metadata(String... pairs) {
    Metadata metadata = new Metadata();
    for (int i = 0; i < pairs.length; i += 2) {
      metadata.put(Metadata.Key.of(pairs[i], Metadata.ASCII_STRING_MARSHALLER), pairs[i + 1]);
    }
    return metadata;
  }

  private static void assertStatus(ThrowingCallable call, Status.Code code, String text) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            StatusRuntimeException.class,
            e -> {
              assertThat(e.getStatus().getCode()).isEqualTo(code);
              assertThat(e.getStatus().getDescription()).contains(text);
            });
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/echo/ready",
        "/v2/models/echo/versions/1/ready",
        "/v2/models/stats",
        "/v2/models/echo/stats"
      })
  void aRestrictedApiNeedsItsHeader(String path) throws Exception {
    for (String shown : List.of("", "sesame", "sesame=opeN", "sesame=open=", "2")) {
      var refused = shown.isEmpty() ? send(to(path)) : send(to(path), "admin-key", shown);
      assertThat(refused.statusCode()).isEqualTo(403);
      assertThat(refused.body())
          .isEqualTo("{\"error\":\"This API is restricted, expecting header 'Admin-Key'\"}");
    }
    assertThat(send(to(path), "ADMIN-KEY", "sesame=open").statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource({
    "/v2/models/echo/config, 403",
    "/v2/models/echo//config, 404",
    "/v2/models/echo/%63onfig, 404",
    "/v2/models/./echo/config, 404",
    "/v2/models/x/../echo/config, 404",
    "/v2/models/x/%2e%2e/echo/config, 404",
    "/v2/models/echo/config/, 404",
    "/v2/models/echo%2Fconfig, 404",
    "/V2/models/echo/config, 404",
    "/v2/models/echo/config%00, 404",
    "/v2/models/echo/config;a=b, 404",
    "/v2/models/echo/config?x=y, 403",
    "/v2/models/%ZZ/config, 400",
    "/v2/models/%65cho/config, 403"
  })
  void noSpellingOfAPathGetsPastARestriction(String path, int status) throws Exception {
    try (RawConnection wire = new RawConnection(http.port())) {
      assertThat(wire.status("GET " + path + " HTTP/1.1\r\nhost: a\r\n\r\n")).isEqualTo(status);
    }
  }

  @Test
  void whatIsNotRestrictedIsForEverybody() throws Exception {
    assertThat(send(to("/v2")).statusCode()).isEqualTo(200);
    assertThat(send(to("/v2/models/echo")).statusCode()).isEqualTo(200);
    assertThat(infer().statusCode()).isEqualTo(200);
    assertThat(stub().serverMetadata(ServerMetadataRequest.getDefaultInstance()).getName())
        .isEqualTo("triton");
  }

  @Test
  void aRestrictedProtocolNeedsItsMetadata() {
    String text = "This protocol is restricted, expecting header 'triton-grpc-protocol-admin-key'";
    ServerLiveRequest live = ServerLiveRequest.getDefaultInstance();
    assertStatus(() -> stub().serverLive(live), Status.Code.UNAVAILABLE, text);
    assertStatus(
        () -> stub("admin-key", "sesame=open").serverLive(live), Status.Code.UNAVAILABLE, text);
    assertStatus(
        () -> stub("triton-grpc-protocol-admin-key", "no").serverLive(live),
        Status.Code.UNAVAILABLE,
        text);
    assertStatus(
        () -> stub().modelStatistics(ModelStatisticsRequest.getDefaultInstance()),
        Status.Code.UNAVAILABLE,
        text);
    assertStatus(
        () ->
            HealthGrpc.newBlockingStub(channel)
                .withDeadlineAfter(Duration.ofSeconds(20))
                .check(HealthCheckRequest.getDefaultInstance()),
        Status.Code.UNAVAILABLE,
        text);
    assertThat(stub("triton-grpc-protocol-admin-key", "sesame=open").serverLive(live).getLive())
        .isTrue();
  }

  @Test
  void headersThatFitBecomeParametersAndGoBeforeThoseOfTheBody() throws Exception {
    var answer = infer("X-Fwd-User", "me", "x-other", "no", "mine", "header");
    assertThat(answer.body())
        .contains("\"X-Fwd-User\":\"me\"", "\"mine\":\"header\"")
        .doesNotContain("x-other");
    assertThat(infer().body()).contains("\"mine\":\"body\"");
    for (String reserved : List.of("priority", "x-triton_y", "triton_z")) {
      var refused = infer(reserved, "1");
      boolean free = reserved.startsWith("x-");
      assertThat(refused.statusCode()).isEqualTo(free ? 200 : 400);
      assertThat(refused.body()).contains(free ? "\"x-triton_y\"" : "its name is reserved");
    }
    infer("x-fwd-" + "y".repeat(5000), "long");
  }

  @Test
  void metadataThatFitsBecomesParameters() {
    ModelInferResponse answer = stub("x-fwd-user", "me", "other", "no").modelInfer(echo(4));
    assertThat(answer.getParametersOrThrow("x-fwd-user").getStringParam()).isEqualTo("me");
    assertThat(answer.getParametersMap()).doesNotContainKey("other");
    assertStatus(
        () -> stub("triton_z", "1").modelInfer(echo(4)),
        Status.Code.INVALID_ARGUMENT,
        "its name is reserved");
  }

  @Test
  void answersArePackedForClientsThatTakeIt() {
    var headers = new AtomicReference<Metadata>();
    var trailers = new AtomicReference<Metadata>();
    ModelInferResponse answer =
        stub()
            .withInterceptors(MetadataUtils.newCaptureMetadataInterceptor(headers, trailers))
            .modelInfer(echo(100_000));
    assertThat(answer.getRawOutputContents(0)).isEqualTo(echo(100_000).getRawInputContents(0));
    assertThat(
            headers.get().get(Metadata.Key.of("grpc-encoding", Metadata.ASCII_STRING_MARSHALLER)))
        .isEqualTo("gzip");
  }

  private static ModelInferRequest echo(int bytes) {
    return ModelInferRequest.newBuilder()
        .setModelName("echo")
        .addInputs(
            InferInputTensor.newBuilder()
                .setName("x")
                .setDatatype("FP32")
                .addShape(1)
                .addShape(bytes / 4))
        .addRawInputContents(ByteString.copyFrom(new byte[bytes]))
        .build();
  }
}
