package dev.nereid.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.nereid.engine.Engine;
import dev.nereid.engine.EngineOptions;
import dev.nereid.http.AccessLine;
import dev.nereid.http.AccessLog;
import dev.nereid.http.EventLoops;
import dev.nereid.http.HttpListener;
import dev.nereid.http.HttpMetrics;
import dev.nereid.http.ListenerOptions;
import dev.nereid.http.ListenerServices;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferRequest.InferInputTensor;
import dev.nereid.protocol.proto.ModelInferResponse;
import dev.nereid.protocol.proto.ModelMetadataRequest;
import dev.nereid.protocol.proto.ModelStatisticsRequest;
import dev.nereid.telemetry.Metrics;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Both protocols over a real engine: from the socket through the queue to a model and back. */
final class EndToEndTest {
  private static final ServerIdentity IDENTITY = new ServerIdentity("triton", "0.1.0");
  private static final String CONFIG =
      """
      backend: "identity"
      max_batch_size: 8
      dynamic_batching {}
      input { name: "X" data_type: TYPE_FP32 dims: [ 4 ] }
      output { name: "Y" data_type: TYPE_FP32 dims: [ 4 ] }
      """;

  private static final String TWICE =
      """
      platform: "ensemble"
      max_batch_size: 8
      input { name: "X" data_type: TYPE_FP32 dims: [ 4 ] }
      output { name: "Y" data_type: TYPE_FP32 dims: [ 4 ] }
      ensemble_scheduling {
        step [
          { model_name: "same" model_version: -1
            input_map { key: "X" value: "X" } output_map { key: "Y" value: "Z" } },
          { model_name: "same" model_version: -1
            input_map { key: "X" value: "Z" } output_map { key: "Y" value: "Y" } }
        ]
      }
      """;

  private static final BlockingQueue<AccessLine> LINES = new LinkedBlockingQueue<>();

  private static final AccessLog LOG =
      new AccessLog() {
        @Override
        public boolean wants(long nanos) {
          return true;
        }

        @Override
        public void add(AccessLine line) {
          LINES.add(line);
        }
      };

  @TempDir static Path repository;

  private static final ByteBuffer FLOATS =
      ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN).putFloat(12, 4.5f);

  private static final Metrics METRICS = new Metrics();

  @SuppressWarnings("NullAway.Init")
  private static Engine engine;

  @SuppressWarnings("NullAway.Init")
  private static EventLoops loops;

  @SuppressWarnings("NullAway.Init")
  private static CodecThreads codecs;

  @SuppressWarnings("NullAway.Init")
  private static HttpListener http;

  @SuppressWarnings("NullAway.Init")
  private static GrpcListener grpc;

  @SuppressWarnings("NullAway.Init")
  private static HttpClient client;

  @SuppressWarnings("NullAway.Init")
  private static ManagedChannel channel;

  @BeforeAll
  static void start() throws IOException {
    for (String version : new String[] {"1", "2"}) {
      Files.createDirectories(repository.resolve("same").resolve(version));
    }
    Files.writeString(
        repository.resolve("same").resolve("config.pbtxt"), CONFIG + "version_policy { all {} }\n");
    Files.createDirectories(repository.resolve("twice").resolve("1"));
    Files.writeString(repository.resolve("twice").resolve("config.pbtxt"), TWICE);
    engine = Engine.open(EngineOptions.of(repository), METRICS);
    engine.started().orTimeout(20, TimeUnit.SECONDS).join();
    loops = EventLoops.start(2);
    codecs = new CodecThreads(1);
    http =
        new HttpListener(
            ListenerOptions.of("http", 0),
            new ListenerServices(
                loops,
                engine.memory(),
                engine.ticker(),
                HttpMetrics.NONE,
                AccessLog.OFF,
                new V2Refusals()),
            new V2Handler(engine, IDENTITY, RunningServer.LIMITS, codecs, loops));
    http.start();
    grpc =
        new GrpcListener(
            GrpcOptions.of(0),
            IDENTITY,
            new GrpcListener.Services(engine, loops, codecs, METRICS, LOG));
    grpc.start();
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    channel = NettyChannelBuilder.forAddress("127.0.0.1", grpc.port()).usePlaintext().build();
  }

  @AfterAll
  static void stop() throws InterruptedException {
    RunningServer.await("leases", () -> engine.memory().openLeases() == 0);
    channel.shutdownNow().awaitTermination(5, TimeUnit.SECONDS);
    client.close();
    http.close();
    grpc.close();
    codecs.close();
    engine.close();
    loops.close();
  }

  private static HttpResponse<String> send(HttpRequest.Builder request)
      throws IOException, InterruptedException {
    return client.send(request.build(), HttpResponse.BodyHandlers.ofString(UTF_8));
  }

  private static HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + http.port() + path));
  }

  private static HttpResponse<String> infer(String path, String json)
      throws IOException, InterruptedException {
    return send(to(path).POST(HttpRequest.BodyPublishers.ofString(json)));
  }

  private static String request(String name, String type, String shape, String data) {
    return "{\"id\":\"a\",\"inputs\":[{\"name\":\"%s\",\"datatype\":\"%s\",\"shape\":%s,\"data\":%s}]}"
        .formatted(name, type, shape, data);
  }

  @Test
  void bothProtocolsGiveTheSameAnswerOfTheHighestVersion() throws Exception {
    assertThat(infer("/v2/models/same/infer", request("X", "FP32", "[1,4]", "[1,2,3,4.5]")).body())
        .isEqualTo(
            "{\"id\":\"a\",\"model_name\":\"same\",\"model_version\":\"2\",\"outputs\":[{\"name\":"
                + "\"Y\",\"datatype\":\"FP32\",\"shape\":[1,4],\"data\":[1.0,2.0,3.0,4.5]}]}");
    ModelInferResponse response =
        GRPCInferenceServiceGrpc.newBlockingStub(channel).modelInfer(message("same"));
    assertThat(response.getModelVersion()).isEqualTo("2");
    assertThat(response.getRawOutputContents(0).toByteArray()).isEqualTo(FLOATS.array());
  }

  private static ModelInferRequest message(String model) {
    return ModelInferRequest.newBuilder()
        .setModelName(model)
        .setId("grpc-7")
        .addInputs(
            InferInputTensor.newBuilder().setName("X").setDatatype("FP32").addShape(1).addShape(4))
        .addRawInputContents(ByteString.copyFrom(FLOATS.array()))
        .build();
  }

  @Test
  void answersOverHttpTellWhereTheTimeWent() throws Exception {
    String json = request("X", "FP32", "[1,4]", "[1,2,3,4.5]");
    assertThat(infer("/v2/models/same/infer", json).headers().firstValue("server-timing"))
        .hasValueSatisfying(
            value ->
                assertThat(value)
                    .matches(
                        "queue;dur=[\\d.]+, compute;dur=[\\d.]+, encode;dur=[\\d.]+,"
                            + " total;dur=[\\d.]+"));
    assertThat(infer("/v2/models/twice/infer", json).headers().firstValue("server-timing"))
        .hasValueSatisfying(
            value ->
                assertThat(value).containsSubsequence("step;desc=\"same\"", "step;desc=\"same\""));
  }

  @Test
  void trailersOverGrpcTellTheStepsOfAnEnsemble() {
    var trailers = new AtomicReference<Metadata>();
    var stub =
        GRPCInferenceServiceGrpc.newBlockingStub(channel)
            .withInterceptors(
                MetadataUtils.newCaptureMetadataInterceptor(new AtomicReference<>(), trailers));
    ModelInferResponse _ = stub.modelInfer(message("twice"));
    var key = Metadata.Key.of("server-timing", Metadata.ASCII_STRING_MARSHALLER);
    assertThat(trailers.get().get(key))
        .contains("compute;dur=", "encode;dur=", "step;desc=\"same\";dur=", "total;dur=");
    ModelInferResponse _ = stub.modelInfer(message("same"));
    assertThat(trailers.get().containsKey(key)).isFalse();
  }

  @Test
  void eachInferenceOverGrpcHasALineInTheAccessLog() throws Exception {
    LINES.clear();
    var stub = GRPCInferenceServiceGrpc.newBlockingStub(channel);
    ModelInferResponse answer = stub.modelInfer(message("same"));
    AccessLine line = LINES.poll(5, TimeUnit.SECONDS);
    assertThat(line.method()).isEqualTo("ModelInfer");
    assertThat(line.path()).isEqualTo("same");
    assertThat(line.status()).isEqualTo("OK");
    assertThat(line.id()).isEqualTo("grpc-7");
    assertThat(line.bytes()).isEqualTo(answer.getSerializedSize());
    assertThat(line.bytesIn()).isEqualTo(message("same").getSerializedSize());
    assertThat(line.timings().isKnown()).isTrue();
    assertThatThrownBy(() -> stub.modelInfer(message("nowhere"))).hasMessageContaining("NOT_FOUND");
    AccessLine failed = LINES.poll(5, TimeUnit.SECONDS);
    assertThat(failed.path()).isEqualTo("nowhere");
    assertThat(failed.status()).isEqualTo("NOT_FOUND");
    assertThat(METRICS.scrape())
        .contains("nereid_request_phase_seconds_count{listener=\"grpc\",phase=\"encode\"}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "X | FP32 | [1,4]   | [1,2,3]     | 400 | Shape does not match true shape of 'data' field",
        "Z | FP32 | [1,4]   | [1,2,3,4]   | 400 | [request id: a] unexpected inference input 'Z' for model 'same'",
        "X | INT8 | [1,4]   | [1,2,3,4]   | 400 | inference input 'X' data-type is 'INT8', but model 'same' expects 'FP32'",
        "X | FP32 | [9,4]   | [1,2,3,4,1,2,3,4,1,2,3,4,1,2,3,4,1,2,3,4,1,2,3,4,1,2,3,4,1,2,3,4,1,2,3,4] | 400 | inference request batch-size must be <= 8 for 'same'",
        "X | FP32 | [1,3]   | [1,2,3]     | 400 | unexpected shape for input 'X' for model 'same'. Expected [-1,4], got [1,3]"
      })
  void wrongRequestsAreRefusedInTritonsWords(
      String name, String type, String shape, String data, int status, String fragment)
      throws Exception {
    HttpResponse<String> response =
        infer("/v2/models/same/infer", request(name, type, shape, data));
    assertThat(response.body()).contains(fragment);
    assertThat(response.statusCode()).isEqualTo(status);
  }

  @Test
  void requestsMayNameVersionsAndOutputs() throws Exception {
    String json = request("X", "FP32", "[1,4]", "[[1,2,3,4]]");
    assertThat(infer("/v2/models/same/versions/1/infer", json).body())
        .contains("\"model_version\":\"1\"");
    assertThat(infer("/v2/models/same/versions/7/infer", json).statusCode()).isEqualTo(404);
    String unknown = json.replace("}]}", "}],\"outputs\":[{\"name\":\"Q\"}]}");
    assertThat(infer("/v2/models/same/infer", unknown).body())
        .contains("unexpected inference output 'Q' for model 'same'");
    String none = "{\"inputs\":[]}";
    assertThat(infer("/v2/models/same/infer", none).body())
        .contains("expected 1 inputs but got 0 inputs for model 'same'");
  }

  @Test
  void whatTheEngineKnowsIsTold() throws Exception {
    assertThat(send(to("/v2/models/same")).body())
        .contains("\"versions\":[\"1\",\"2\"]", "\"platform\":\"identity\"", "\"shape\":[-1,4]");
    assertThat(send(to("/v2/models/same/config")).body()).contains("\"dynamic_batching\":{");
    assertThat(send(to("/v2/models/same/versions/2/stats")).body())
        .contains("\"name\":\"same\",\"version\":\"2\"");
    assertThat(send(to("/v2/models/none/config")).statusCode()).isEqualTo(404);
    assertThat(send(to("/v2/health/ready")).statusCode()).isEqualTo(200);
    var stub = GRPCInferenceServiceGrpc.newBlockingStub(channel);
    assertThat(
            stub.modelMetadata(ModelMetadataRequest.newBuilder().setName("same").build())
                .getVersionsList())
        .containsExactly("1", "2");
    assertThat(
            stub.modelStatistics(ModelStatisticsRequest.newBuilder().setName("same").build())
                .getModelStatsCount())
        .isEqualTo(2);
    assertThatThrownBy(
            () -> stub.modelMetadata(ModelMetadataRequest.newBuilder().setName("none").build()))
        .hasMessageContaining("NOT_FOUND");
    assertThatThrownBy(
            () -> stub.modelStatistics(ModelStatisticsRequest.newBuilder().setName("none").build()))
        .hasMessageContaining("INVALID_ARGUMENT: requested model 'none' is not available");
  }
}
