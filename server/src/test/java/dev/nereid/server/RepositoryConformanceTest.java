package dev.nereid.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.nereid.engine.Engine;
import dev.nereid.engine.EngineOptions;
import dev.nereid.engine.EngineOptions.Control;
import dev.nereid.engine.EngineOptions.ControlMode;
import dev.nereid.http.AccessLog;
import dev.nereid.http.EventLoops;
import dev.nereid.http.HttpListener;
import dev.nereid.http.HttpMetrics;
import dev.nereid.http.ListenerOptions;
import dev.nereid.http.ListenerServices;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelMetadataRequest;
import dev.nereid.protocol.proto.ModelReadyRequest;
import dev.nereid.protocol.proto.ModelRepositoryParameter;
import dev.nereid.protocol.proto.ModelStatisticsRequest;
import dev.nereid.protocol.proto.RepositoryIndexRequest;
import dev.nereid.protocol.proto.RepositoryModelLoadRequest;
import dev.nereid.protocol.proto.RepositoryModelUnloadRequest;
import dev.nereid.telemetry.Metrics;
import io.grpc.ManagedChannel;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The model repository extension over both protocols and a real engine. */
final class RepositoryConformanceTest {
  private static final ServerIdentity IDENTITY = new ServerIdentity("triton", "0.1.0");
  private static final String CONFIG =
      """
      backend: "identity"
      input { name: "X" data_type: TYPE_FP32 dims: [ 4 ] }
      output { name: "Y" data_type: TYPE_FP32 dims: [ 4 ] }
      """;
  private static final String JSON =
      "{\"backend\":\"identity\",\"max_batch_size\":5,"
          + "\"input\":[{\"name\":\"X\",\"data_type\":\"TYPE_FP32\",\"dims\":[4]}],"
          + "\"output\":[{\"name\":\"Y\",\"data_type\":\"TYPE_FP32\",\"dims\":[4]}]}";

  @TempDir Path repository;

  private final EventLoops loops = EventLoops.start(2);
  private final CodecThreads codecs = new CodecThreads(1);
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @SuppressWarnings("NullAway.Init")
  private Engine engine;

  @SuppressWarnings("NullAway.Init")
  private HttpListener http;

  @SuppressWarnings("NullAway.Init")
  private GrpcListener grpc;

  @SuppressWarnings("NullAway.Init")
  private ManagedChannel channel;

  @BeforeEach
  void aRepository() throws IOException {
    for (String name : List.of("a", "b")) {
      Files.createDirectories(repository.resolve(name).resolve("1"));
      Files.writeString(repository.resolve(name).resolve("config.pbtxt"), CONFIG);
    }
    Files.createDirectories(repository.resolve("broken").resolve("1"));
    Files.writeString(repository.resolve("broken").resolve("config.pbtxt"), "backend: \"none\"");
  }

  private void start(ControlMode mode) {
    engine = Engine.open(EngineOptions.of(repository).with(Control.of(mode, "a")), new Metrics());
    engine.started().orTimeout(20, TimeUnit.SECONDS).join();
    ListenerServices services =
        new ListenerServices(
            loops,
            engine.memory(),
            engine.ticker(),
            HttpMetrics.NONE,
            AccessLog.OFF,
            new V2Refusals());
    V2Handler handler = new V2Handler(engine, IDENTITY, RunningServer.LIMITS, codecs, loops);
    http = new HttpListener(ListenerOptions.of("http", 0), services, handler);
    http.start();
    grpc =
        new GrpcListener(
            GrpcOptions.of(0),
            IDENTITY,
            new GrpcListener.Services(engine, loops, codecs, new Metrics(), AccessLog.OFF));
    grpc.start();
    channel = NettyChannelBuilder.forAddress("127.0.0.1", grpc.port()).usePlaintext().build();
  }

  @AfterEach
  void stop() throws InterruptedException {
    RunningServer.await("leases", () -> engine.memory().openLeases() == 0);
    channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    client.close();
    http.close();
    grpc.close();
    codecs.close();
    engine.close();
    loops.close();
  }

  private String post(int status, String path, String body) throws Exception {
    return send(status, path, HttpRequest.newBuilder().POST(BodyPublishers.ofString(body)));
  }

  private String get(int status, String path) throws Exception {
    return send(status, path, HttpRequest.newBuilder());
  }

  private String send(int status, String path, HttpRequest.Builder builder) throws Exception {
    HttpRequest request = builder.uri(URI.create("http://127.0.0.1:" + http.port() + path)).build();
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString(UTF_8));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(status);
    return response.body();
  }

  private String index() throws Exception {
    return post(200, "/v2/repository/index", "");
  }

  private GRPCInferenceServiceBlockingStub stub() {
    return GRPCInferenceServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(20, TimeUnit.SECONDS);
  }

  private static RepositoryModelLoadRequest.Builder load(String model) {
    return RepositoryModelLoadRequest.newBuilder().setModelName(model);
  }

  private static ModelRepositoryParameter text(String value) {
    return ModelRepositoryParameter.newBuilder().setStringParam(value).build();
  }

  private boolean isReady(String model) {
    return stub().modelReady(ModelReadyRequest.newBuilder().setName(model).build()).getReady();
  }

  @Test
  void theIndexShowsWhatCouldBeLoadedAndWhatIs() throws Exception {
    start(ControlMode.EXPLICIT);
    assertThat(index())
        .isEqualTo(
            "[{\"name\":\"a\",\"version\":\"1\",\"state\":\"READY\"},{\"name\":\"b\"},{\"name\":\"broken\"}]");
    assertThat(post(200, "/v2/repository/index", "{\"ready\":true}"))
        .isEqualTo("[{\"name\":\"a\",\"version\":\"1\",\"state\":\"READY\"}]");
    assertThat(post(400, "/v2/repository/index", "{\"ready\":1}"))
        .contains("Invalid value for 'ready': expected a boolean");
    var all = stub().repositoryIndex(RepositoryIndexRequest.getDefaultInstance());
    assertThat(all.getModelsCount()).isEqualTo(3);
    assertThat(all.getModels(1).getVersion()).isEmpty();
    assertThat(
            stub()
                .repositoryIndex(RepositoryIndexRequest.newBuilder().setReady(true).build())
                .getModelsCount())
        .isEqualTo(1);
  }

  @Test
  void modelsAreLoadedAndUnloadedOverHttp() throws Exception {
    start(ControlMode.EXPLICIT);
    assertThat(post(200, "/v2/repository/models/b/load", "")).isEmpty();
    assertThat(isReady("b")).isTrue();
    assertThat(post(200, "/v2/repository/models/b/load", "{}")).isEmpty();
    assertThat(
            post(
                200,
                "/v2/repository/models/b/unload",
                "{\"parameters\":{\"unload_dependents\":true}}"))
        .isEmpty();
    RunningServer.await(
        "unloaded", () -> engine.index().toString().contains("UNAVAILABLE, reason=unloaded"));
    assertThat(index())
        .contains(
            "{\"name\":\"b\",\"version\":\"1\",\"state\":\"UNAVAILABLE\",\"reason\":\"unloaded\"}");
    assertThat(post(200, "/v2/repository/models/never/unload", "")).isEmpty();
    assertThat(post(404, "/v2/models/b/infer", "{\"inputs\":[]}"))
        .contains("'b' has no available versions");
  }

  @Test
  void modelsAreLoadedAndUnloadedOverGrpc() {
    start(ControlMode.EXPLICIT);
    var _ = stub().repositoryModelLoad(load("b").build());
    assertThat(isReady("b")).isTrue();
    var _ =
        stub()
            .repositoryModelUnload(
                RepositoryModelUnloadRequest.newBuilder()
                    .setModelName("b")
                    .putParameters(
                        "unload_dependents",
                        ModelRepositoryParameter.newBuilder().setBoolParam(true).build())
                    .build());
    assertThat(isReady("b")).as("known, not served").isFalse();
    assertThatThrownBy(() -> isReady("nobody")).hasMessageContaining("NOT_FOUND");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "b | 1 | 503 | UNAVAILABLE | Request for unknown model: 'b' version 1 is not at ready state",
        "b | 2 | 404 | NOT_FOUND   | Request for unknown model: 'b' version 2 is not found",
        "a | 2 | 404 | NOT_FOUND   | Request for unknown model: 'a' version 2 is not found",
        "c | 1 | 404 | NOT_FOUND   | Request for unknown model: 'c' is not found",
      })
  void aVersionThatIsNotServedIsToldFromOneThatIsNotThere(
      String model, String version, int status, String code, String text) throws Exception {
    start(ControlMode.EXPLICIT);
    var _ = post(200, "/v2/repository/models/b/load", "");
    var _ = post(200, "/v2/repository/models/b/unload", "");
    String path = "/v2/models/" + model + "/versions/" + version;
    assertThat(post(status, path + "/infer", "{\"inputs\":[]}")).contains(text);
    assertThat(get(status, path)).contains(text);
    assertThat(get(status, path + "/config")).contains(text);
    var infer = ModelInferRequest.newBuilder().setModelName(model).setModelVersion(version);
    assertThatThrownBy(() -> stub().modelInfer(infer.build()))
        .hasMessageContaining(code + ": ")
        .hasMessageContaining(text);
    var metadata = ModelMetadataRequest.newBuilder().setName(model).setVersion(version);
    assertThatThrownBy(() -> stub().modelMetadata(metadata.build()))
        .hasMessageContaining(code + ": " + text);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "a | 2 | requested model version is not available for model 'a'",
        "c | 1 | requested model 'c' is not available",
      })
  void statisticsOfWhatIsNotThereAreRefused(String model, String version, String text)
      throws Exception {
    start(ControlMode.EXPLICIT);
    assertThat(get(400, "/v2/models/" + model + "/versions/" + version + "/stats")).contains(text);
    var request = ModelStatisticsRequest.newBuilder().setName(model).setVersion(version).build();
    assertThatThrownBy(() -> stub().modelStatistics(request))
        .hasMessageContaining("INVALID_ARGUMENT: " + text);
  }

  @Test
  void aConfigurationAndFilesMayComeAlong() throws Exception {
    start(ControlMode.EXPLICIT);
    String config = JSON.replace("\"", "\\\"");
    assertThat(
            post(
                200,
                "/v2/repository/models/a/load",
                "{\"parameters\":{\"config\":\"" + config + "\"}}"))
        .isEmpty();
    assertThat(engine.config("a", -1).getMaxBatchSize()).isEqualTo(5);
    String file = Base64.getEncoder().encodeToString(new byte[] {1, 2, 3});
    assertThat(
            post(
                200,
                "/v2/repository/models/sent/load",
                "{\"parameters\":{\"config\":\""
                    + config
                    + "\",\"file:3/model.bin\":\""
                    + file
                    + "\"}}"))
        .isEmpty();
    assertThat(engine.versions("sent", -1)).containsExactly(3L);
    ModelRepositoryParameter bytes =
        ModelRepositoryParameter.newBuilder().setBytesParam(ByteString.copyFromUtf8("x")).build();
    var _ =
        stub()
            .repositoryModelLoad(
                load("sent")
                    .putParameters("config", text(JSON))
                    .putParameters("file:4/model.bin", bytes)
                    .build());
    assertThat(engine.versions("sent", -1)).containsExactly(4L);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\0',
      value = {
        "models/gone/load   | '' | 500 | INTERNAL | failed to load 'gone', failed to poll from model repository",
        "models/broken/load | '' | 400 | INVALID_ARGUMENT | load failed for model 'broken': version 1 is at UNAVAILABLE state: unable to find",
        "models/../load     | '' | 400 | INVALID_ARGUMENT | invalid model name '..'",
        "models/a/load | {\"parameters\":{\"file:1/x\":\"eA==\"}} | 400 | - | Load parameter 'config' must be specified for model file override",
        "models/a/load | {\"parameters\":{\"file:1/x\":\"*\",\"config\":\"{}\"}} | 400 | - | (expected: base64)",
        "models/a/load | {\"parameters\":{\"config\":7}}    | 400 | - | load parameter 'config': a value of another type",
        "models/a/load | {\"parameters\":{\"config\":{}}}   | 400 | - | expected a string, number or boolean",
        "models/a/load | {\"parameters\":{\"config\":\"{\"}} | 400 | - | not valid JSON",
        "models/a/load | {\"parameters\":{\"other\":\"x\"}} | 500 | - | unexpected error on creating Triton parameter",
        "models/a/load | {                                  | 400 | - | JSON",
        "models/a/unload | {\"parameters\":{\"unload_dependents\":1}} | 400 | - | (expected: a boolean)",
        "other/models/a/load   | '' | 501 | UNIMPLEMENTED | 'repository_name' specification is not supported",
        "other/models/a/unload | '' | 501 | - | 'repository_name' specification is not supported",
      })
  void refusalsAreInTritonsWords(String path, String body, int status, String code, String fragment)
      throws Exception {
    start(ControlMode.EXPLICIT);
    String sent = body.equals("''") ? "" : body;
    assertThat(post(status, "/v2/repository/" + path, sent)).contains(fragment);
    assertThat(isReady("a")).isTrue();
    if (!code.equals("-")) {
      String[] parts = path.split("/", -1);
      var request =
          load(parts[parts.length - 2])
              .setRepositoryName(parts[0].equals("models") ? "" : parts[0])
              .build();
      assertThatThrownBy(() -> stub().repositoryModelLoad(request))
          .isInstanceOf(StatusRuntimeException.class)
          .hasMessageContaining(code)
          .hasMessageContaining(fragment);
    }
  }

  @Test
  void parametersThatNobodyKnowsAreRefusedOverGrpc() {
    start(ControlMode.EXPLICIT);
    assertThatThrownBy(
            () -> stub().repositoryModelLoad(load("a").putParameters("x", text("y")).build()))
        .hasMessageContaining("INVALID_ARGUMENT: unrecognized load parameter 'x'");
    assertThatThrownBy(
            () ->
                stub()
                    .repositoryModelLoad(
                        load("a")
                            .putParameters("config", text(JSON))
                            .putParameters("file:1/x", text("y"))
                            .build()))
        .hasMessageContaining("(expected: the file's bytes)");
    assertThatThrownBy(
            () ->
                stub()
                    .repositoryModelUnload(
                        RepositoryModelUnloadRequest.newBuilder()
                            .setModelName("a")
                            .putParameters("unload_dependents", text("true"))
                            .build()))
        .hasMessageContaining("(expected: a boolean)");
  }

  @ParameterizedTest
  @CsvSource({"NONE", "POLL"})
  void otherModesRefuse(ControlMode mode) throws Exception {
    start(mode);
    String words = "explicit model load / unload is not allowed if polling is enabled";
    assertThat(post(503, "/v2/repository/models/a/load", "")).contains(words);
    assertThat(post(503, "/v2/repository/models/a/unload", "")).contains(words);
    assertThatThrownBy(() -> stub().repositoryModelLoad(load("a").build()))
        .hasMessageContaining("UNAVAILABLE: " + words);
    assertThat(isReady("a")).isTrue();
  }
}
