package dev.nereid.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import dev.nereid.core.InferRequest;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.InferParameter;
import dev.nereid.protocol.proto.ModelConfigRequest;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferRequest.InferInputTensor;
import dev.nereid.protocol.proto.ModelInferRequest.InferRequestedOutputTensor;
import dev.nereid.protocol.proto.ModelInferResponse;
import dev.nereid.protocol.proto.ModelStatistics;
import dev.nereid.protocol.proto.ModelStatisticsRequest;
import io.grpc.ManagedChannel;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Parameters, classification, configuration and statistics: over HTTP as over gRPC. */
final class ExtensionsTest {
  @SuppressWarnings("NullAway.Init")
  private static RunningServer server;

  @SuppressWarnings("NullAway.Init")
  private static HttpClient client;

  @SuppressWarnings("NullAway.Init")
  private static ManagedChannel channel;

  @BeforeAll
  static void start() {
    server = new RunningServer();
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
    channel = server.channel();
  }

  @AfterAll
  static void stop() {
    client.close();
    channel.shutdownNow();
    server.close();
  }

  @AfterEach
  void everyLeaseIsGivenBack() {
    server.engine.received.clear();
    RunningServer.await("leases", () -> server.engine.memory.openLeases() == 0);
  }

  private static GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub stub() {
    return GRPCInferenceServiceGrpc.newBlockingStub(channel)
        .withDeadlineAfter(Duration.ofSeconds(20));
  }

  private static HttpResponse<String> get(String path) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.http.port() + path)).build();
    return client.send(request, BodyHandlers.ofString());
  }

  /** Sends an input of these values over HTTP; what is said more is members of the request. */
  private static HttpResponse<String> post(String type, String shape, String data, String more)
      throws Exception {
    String body =
        "{%s\"inputs\":[{\"name\":\"x\",\"datatype\":\"%s\",\"shape\":%s,\"data\":%s}]}"
            .formatted(more, type, shape, data);
    HttpRequest request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + server.http.port() + "/v2/models/echo/infer"))
            .POST(BodyPublishers.ofString(body))
            .build();
    return client.send(request, BodyHandlers.ofString());
  }

  private static HttpResponse<String> withParameters(String parameters) throws Exception {
    return post("INT32", "[1,1]", "[1]", "\"parameters\":" + parameters + ",");
  }

  private static ModelInferRequest.Builder echo(String type, int size, byte[] data) {
    return ModelInferRequest.newBuilder()
        .setModelName("echo")
        .addInputs(
            InferInputTensor.newBuilder()
                .setName("x")
                .setDatatype(type)
                .addShape(1)
                .addShape(data.length / size))
        .addRawInputContents(ByteString.copyFrom(data));
  }

  private static ModelInferResponse withParameter(String name, InferParameter.Builder value) {
    return stub()
        .modelInfer(echo("INT32", 4, new byte[4]).putParameters(name, value.build()).build());
  }

  private static InferRequest.Call lastCall() {
    return new ArrayList<>(server.engine.received).getLast().call();
  }

  @Test
  void freeParametersReachTheModelWithTheirTypesAndComeBack() throws Exception {
    Map<String, Object> expected =
        Map.of("text", "a\"b", "whole", 7L, "real", 1.0, "flag", true, "huge", 1L << 40);
    var answer =
        withParameters(
            "{\"text\":\"a\\\"b\",\"whole\":7,\"real\":1.0,\"flag\":true,\"huge\":1099511627776}");
    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(lastCall().parameters()).isEqualTo(expected);
    assertThat(answer.body())
        .contains("\"text\":\"a\\\"b\"", "\"whole\":7", "\"real\":1.0", "\"flag\":true");
    ModelInferRequest request =
        echo("INT32", 4, new byte[4])
            .putParameters("text", InferParameter.newBuilder().setStringParam("a\"b").build())
            .putParameters("whole", InferParameter.newBuilder().setInt64Param(7).build())
            .putParameters("real", InferParameter.newBuilder().setDoubleParam(1).build())
            .putParameters("flag", InferParameter.newBuilder().setBoolParam(true).build())
            .putParameters("huge", InferParameter.newBuilder().setInt64Param(1L << 40).build())
            .build();
    ModelInferResponse response = stub().modelInfer(request);
    assertThat(lastCall().parameters()).isEqualTo(expected);
    assertThat(response.getParametersMap()).isEqualTo(request.getParametersMap());
  }

  @Test
  void parametersThatV2DefinesAreUnderstood() throws Exception {
    withParameters("{\"priority\":3,\"timeout\":5000,\"sequence_id\":9,\"sequence_start\":true}");
    assertThat(lastCall().priority()).isEqualTo(3);
    assertThat(lastCall().timeoutMicros()).isEqualTo(5000);
    assertThat(lastCall().parameters())
        .isEqualTo(Map.of("sequence_id", 9L, "sequence_start", true));
    withParameters("{\"sequence_id\":\"nine\",\"sequence_end\":false}");
    assertThat(lastCall().parameters())
        .isEqualTo(Map.of("sequence_id", "nine", "sequence_end", false));
    withParameter("priority", InferParameter.newBuilder().setUint64Param(4));
    assertThat(lastCall().priority()).isEqualTo(4);
    withParameter("timeout", InferParameter.newBuilder().setInt64Param(6000));
    assertThat(lastCall().timeoutMicros()).isEqualTo(6000);
    withParameter("sequence_id", InferParameter.newBuilder().setStringParam("nine"));
    assertThat(lastCall().parameters()).isEqualTo(Map.of("sequence_id", "nine"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "{\"triton_x\":1}         | 400 | parameter keys starting with 'triton_' are reserved",
        "{\"a\":null}             | 400 | parameter 'a' has invalid type",
        "{\"a\":[1]}              | 400 | parameter 'a' has invalid type",
        "{\"a\":{}}               | 400 | parameter 'a' has invalid type",
        "{\"priority\":-1}        | 400 | Unable to parse 'priority'",
        "{\"timeout\":\"1\"}      | 400 | Unable to parse 'timeout'",
        "{\"sequence_start\":1}   | 400 | Unable to parse 'sequence_start'",
        "{\"binary_data_output\":1} | 400 | Unable to parse 'binary_data_output'",
        "[]                       | 400 | Unable to parse 'parameters'"
      })
  void wrongParametersAreRefusedOverHttp(String parameters, int status, String fragment)
      throws Exception {
    var answer = withParameters(parameters);
    assertThat(answer.statusCode()).isEqualTo(status);
    assertThat(answer.body()).contains(fragment);
    assertThat(server.engine.received).isEmpty();
  }

  @Test
  void wrongParametersAreRefusedOverGrpc() {
    assertRefused("triton_x", InferParameter.newBuilder().setBoolParam(true), "are reserved");
    assertRefused("timeout", InferParameter.newBuilder().setStringParam("1"), "int64_param");
    assertRefused("priority", InferParameter.newBuilder().setInt64Param(-1), "uint64_param");
    assertRefused("sequence_start", InferParameter.newBuilder().setInt64Param(1), "bool_param");
    assertRefused("sequence_id", InferParameter.newBuilder().setBoolParam(true), "string_param");
    assertRefused("a", InferParameter.newBuilder(), "invalid value type for 'a'");
    assertThatThrownBy(
            () ->
                withParameter(
                    "sequence_id", InferParameter.newBuilder().setStringParam("x".repeat(129))))
        .hasMessageContaining("UNIMPLEMENTED: string correlation ID cannot be longer");
    assertThat(server.engine.received).isEmpty();
  }

  private static void assertRefused(String name, InferParameter.Builder value, String fragment) {
    assertThatThrownBy(() -> withParameter(name, value))
        .hasMessageStartingWith("INVALID_ARGUMENT")
        .hasMessageContaining(fragment);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "FP32 | [2,2] | [0.25,0.75,-1,-2.5] | 1 | [2,1] | 0.750000:1:dog,-1.000000:0:cat",
        "FP64 | [1,3] | [1e-7,-1e-7,2]      | 3 | [1,3] | 2.000000:2,0.000000:0:cat,-0.000000:1:dog",
        "INT8 | [1,3] | [-3,5,5]            | 9 | [1,3] | 5:1:dog,5:2,-3:0:cat",
        "UINT64 | [1,2] | [1,18446744073709551615] | 1 | [1,1] | 18446744073709551615:1:dog"
      })
  void classesAreTheGreatestValuesWithTheirLabels(
      String type, String shape, String data, int k, String classShape, String texts)
      throws Exception {
    String outputs =
        "\"outputs\":[{\"name\":\"x_OUT\",\"parameters\":{\"classification\":%d}}],".formatted(k);
    var answer = post(type, shape, data, outputs);
    assertThat(answer.statusCode()).isEqualTo(200);
    String quoted = "[\"" + texts.replace(",", "\",\"") + "\"]";
    assertThat(answer.body())
        .contains("\"datatype\":\"BYTES\",\"shape\":" + classShape + ",\"data\":" + quoted);
  }

  @Test
  void classesAreBytesOverGrpc() {
    ByteBuffer data = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
    data.putFloat(0.5f).putFloat(2).putFloat(1);
    ModelInferRequest request =
        echo("FP32", 4, data.array())
            .addOutputs(
                InferRequestedOutputTensor.newBuilder()
                    .setName("x_OUT")
                    .putParameters(
                        "classification", InferParameter.newBuilder().setInt64Param(2).build()))
            .build();
    ModelInferResponse response = stub().modelInfer(request);
    assertThat(response.getOutputs(0).getDatatype()).isEqualTo("BYTES");
    assertThat(response.getOutputs(0).getShapeList()).containsExactly(1L, 2L);
    ByteBuffer raw =
        response.getRawOutputContents(0).asReadOnlyByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    List<String> texts = new ArrayList<>();
    while (raw.hasRemaining()) {
      byte[] text = new byte[raw.getInt()];
      raw.get(text);
      texts.add(new String(text, StandardCharsets.UTF_8));
    }
    assertThat(texts).containsExactly("2.000000:1:dog", "1.000000:2");
  }

  @Test
  void typesWithoutAnOrderHaveNoClasses() throws Exception {
    String outputs = "\"outputs\":[{\"name\":\"x_OUT\",\"parameters\":{\"classification\":1}}],";
    var answer = post("BOOL", "[1,1]", "[true]", outputs);
    assertThat(answer.statusCode()).isEqualTo(400);
    assertThat(answer.body())
        .contains("class result not available for output due to unsupported type");
  }

  @Test
  void configurationAndStatisticsAreTheSameOverBothProtocols() throws Exception {
    var config =
        stub().modelConfig(ModelConfigRequest.newBuilder().setName("echo").build()).getConfig();
    String json = get("/v2/models/echo/config").body();
    assertThat(json)
        .contains(
            "\"name\":\"" + config.getName() + "\"",
            "\"max_batch_size\":" + config.getMaxBatchSize(),
            "\"data_type\":\"TYPE_FP32\"",
            "\"dims\":[-1]",
            "\"instance_group\":[]",
            "\"parameters\":{}",
            "\"model_warmup\":[]");
    ModelStatistics told =
        stub()
            .modelStatistics(ModelStatisticsRequest.newBuilder().setName("echo").build())
            .getModelStats(0);
    String text = get("/v2/models/echo/stats").body();
    assertThat(text)
        .contains(
            "\"last_inference\":" + told.getLastInference(),
            "\"inference_count\":" + told.getInferenceCount(),
            "\"execution_count\":" + told.getExecutionCount());
    for (String phase :
        List.of(
            "success",
            "fail",
            "queue",
            "compute_input",
            "compute_infer",
            "compute_output",
            "cache_hit",
            "cache_miss")) {
      assertThat(text).contains("\"" + phase + "\":{\"count\":");
    }
    assertThat(text).contains("\"memory_usage\":[]", "\"response_stats\":{}");
    assertThat(told.getInferenceStats().hasCacheMiss()).isTrue();
    assertThat(told.getBatchStats(0).getBatchSize()).isEqualTo(2);
  }
}
