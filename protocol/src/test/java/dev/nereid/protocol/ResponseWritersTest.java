package dev.nereid.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferResponse;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Timings;
import dev.nereid.protocol.proto.ModelInferResponse;
import dev.nereid.protocol.proto.RepositoryIndexResponse.ModelIndex;
import dev.nereid.protocol.proto.StatisticDuration;
import io.grpc.Metadata;
import io.grpc.Status;
import io.netty.buffer.ByteBuf;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Responses in both protocols: their bytes, exactly. */
final class ResponseWritersTest {
  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);

  @AfterEach
  void everyLeaseIsGivenBack() {
    assertThat(memory.openLeases()).isZero();
    memory.close();
  }

  private Tensor tensor(String name, DataType type, Shape shape, byte[] bytes) {
    return new Tensor(name, type, shape, memory.copyOf(bytes), 0, bytes.length);
  }

  private static byte[] floats(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes.array();
  }

  private static InferResponse response(
      String id, Map<String, Object> parameters, Tensor... outputs) {
    return new InferResponse(
        "m",
        3,
        id,
        parameters,
        List.of(outputs),
        java.util.stream.Stream.of(outputs).map(Tensor::lease).toList(),
        Timings.NONE);
  }

  private static String json(InferResponse response, ResponseForm form) {
    JsonResponse written = JsonResponseWriter.write(response, form);
    assertThat(written.blobs()).isEmpty();
    String text = written.head().toString(StandardCharsets.ISO_8859_1);
    written.head().release();
    return text;
  }

  @Test
  void outputsAreFlatJsonUnlessWantedAsBlobs() {
    Map<String, Object> parameters = new LinkedHashMap<>();
    parameters.put("s", "a\"\\\n\u0001");
    parameters.put("l", -5L);
    parameters.put("b", true);
    parameters.put("d", 0.5);
    try (InferResponse response =
        response(
            "id",
            parameters,
            tensor("y", DataType.FP32, Shape.of(2, 2), floats(1, -0.1f, Float.NaN, 1e10f)),
            tensor("z", DataType.INT8, Shape.of(2), new byte[] {-1, 1}))) {
      assertThat(json(response, ResponseForm.JSON))
          .isEqualTo(
              "{\"id\":\"id\",\"model_name\":\"m\",\"model_version\":\"3\",\"parameters\":"
                  + "{\"s\":\"a\\\"\\\\\\n\\u0001\",\"l\":-5,\"b\":true,\"d\":0.5},\"outputs\":["
                  + "{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[2,2],\"data\":[1.0,-0.1,NaN,1.0E10]},"
                  + "{\"name\":\"z\",\"datatype\":\"INT8\",\"shape\":[2],\"data\":[-1,1]}]}");
      JsonResponse mixed =
          JsonResponseWriter.write(response, new ResponseForm(false, true, List.of("z")));
      String text = mixed.head().toString(StandardCharsets.ISO_8859_1);
      assertThat(text.substring(mixed.textLength())).isEqualTo("\u00ff\u0001");
      assertThat(text).contains("\"shape\":[2],\"parameters\":{\"binary_data_size\":2}}]}");
      assertThat(mixed.length()).isEqualTo(text.length());
      mixed.head().release();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "BOOL   | 0001 | false,true",
        "UINT8  | ff01 | 255,1",
        "INT16  | feff0100 | -2,1",
        "UINT16 | feff0100 | 65534,1",
        "INT32  | ffffffff05000000 | -1,5",
        "UINT32 | ffffffff05000000 | 4294967295,5",
        "INT64  | 00000000000000800500000000000000 | -9223372036854775808,5",
        "UINT64 | ffffffffffffffff0000000000000000 | 18446744073709551615,0",
        "FP64   | 9a9999999999b93f000000000000f07f | 0.1,Infinity"
      })
  void everyTypeHasItsJsonForm(DataType type, String hex, String data) {
    byte[] bytes = HexFormat.of().parseHex(hex);
    try (InferResponse response = response("", Map.of(), tensor("y", type, Shape.of(2), bytes))) {
      assertThat(json(response, ResponseForm.JSON)).contains("\"data\":[" + data + "]");
    }
  }

  @Test
  void stringsAreEscapedAndMustBeUtf8() {
    byte[] good = {3, 0, 0, 0, 'a', '"', 10, 2, 0, 0, 0, (byte) 0xC3, (byte) 0xA4, 0, 0, 0, 0};
    try (InferResponse response =
        response("", Map.of(), tensor("y", DataType.BYTES, Shape.of(3), good))) {
      assertThat(json(response, ResponseForm.JSON))
          .contains("\"data\":[\"a\\\"\\n\",\"\u00c3\u00a4\",\"\"]");
    }
    byte[] bad = {1, 0, 0, 0, (byte) 0xFF};
    try (InferResponse response =
        response("", Map.of(), tensor("y", DataType.BYTES, Shape.of(1), bad))) {
      assertThatThrownBy(() -> JsonResponseWriter.write(response, ResponseForm.JSON))
          .hasMessageContaining("not UTF-8");
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"FP16", "BF16"})
  void halfPrecisionIsRefusedAsJson(DataType type) {
    try (InferResponse response =
        response("", Map.of(), tensor("y", type, Shape.of(1), new byte[2]))) {
      assertThatThrownBy(() -> JsonResponseWriter.write(response, ResponseForm.JSON))
          .isInstanceOf(FaultException.class)
          .hasMessageContaining("sending " + type + " data via JSON is not supported");
    }
  }

  @Test
  void bigBlobsAreNotCopiedBehindTheText() {
    try (InferResponse response =
        response("", Map.of(), tensor("y", DataType.UINT8, Shape.of(50_000), new byte[50_000]))) {
      JsonResponse written = JsonResponseWriter.write(response, ResponseForm.BINARY);
      assertThat(written.blobs()).hasSize(1);
      assertThat(written.textLength()).isEqualTo(written.head().readableBytes());
      assertThat(written.length()).isEqualTo(written.textLength() + 50_000);
      written.head().release();
    }
  }

  @Test
  void longJsonTextsAreWrittenPieceByPiece() {
    Random random = new Random(5);
    float[] values = new float[20_000];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.intBitsToFloat(random.nextInt() & 0xBFFFFFFF);
    }
    try (InferResponse response =
        response("", Map.of(), tensor("y", DataType.FP32, Shape.of(20_000), floats(values)))) {
      String text = json(response, ResponseForm.JSON);
      String[] data = text.substring(text.indexOf("\"data\":[") + 8, text.length() - 4).split(",");
      assertThat(data).hasSize(values.length);
      for (int i = 0; i < values.length; i++) {
        assertThat(Float.parseFloat(data[i])).isEqualTo(values[i]);
      }
    }
  }

  @Test
  void anEmptyBlobGoesWithoutTheHeader() {
    try (InferResponse response =
        response("", Map.of(), tensor("y", DataType.UINT8, Shape.of(0), new byte[0]))) {
      JsonResponse written = JsonResponseWriter.write(response, ResponseForm.BINARY);
      assertThat(written.textLength()).isEqualTo(-1);
      written.head().release();
      assertThat(json(response, ResponseForm.JSON)).endsWith("\"shape\":[0],\"data\":[]}]}");
    }
  }

  private static ModelInferResponse grpc(InferResponse response) throws IOException {
    GrpcResponse message = new GrpcResponse(response);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    message.writeTo(out);
    assertThat(out.size()).isEqualTo(message.size());
    return ModelInferResponse.parseFrom(out.toByteArray());
  }

  @Test
  void theGeneratedClassesReadWhatIsWrittenByHand() throws IOException {
    Map<String, Object> parameters = Map.of("s", "é", "e", "", "l", -5L, "b", true, "d", 0.5);
    byte[] big = new byte[300_000];
    new Random(1).nextBytes(big);
    try (InferResponse response =
        response(
            "idé",
            parameters,
            tensor("y", DataType.FP32, Shape.of(1, 2), floats(1, 2)),
            tensor("big", DataType.UINT8, Shape.of(big.length), big),
            tensor("none", DataType.INT64, Shape.of(0), new byte[0]),
            tensor("scalar", DataType.UINT8, Shape.SCALAR, new byte[1]))) {
      ModelInferResponse read = grpc(response);
      assertThat(read.getModelName()).isEqualTo("m");
      assertThat(read.getModelVersion()).isEqualTo("3");
      assertThat(read.getId()).isEqualTo("idé");
      assertThat(read.getParametersOrThrow("s").getStringParam()).isEqualTo("é");
      assertThat(read.getParametersOrThrow("e").hasStringParam()).isTrue();
      assertThat(read.getParametersOrThrow("l").getInt64Param()).isEqualTo(-5);
      assertThat(read.getParametersOrThrow("b").getBoolParam()).isTrue();
      assertThat(read.getParametersOrThrow("d").getDoubleParam()).isEqualTo(0.5);
      assertThat(read.getOutputs(0).getShapeList()).containsExactly(1L, 2L);
      assertThat(read.getOutputs(1).getDatatype()).isEqualTo("UINT8");
      assertThat(read.getRawOutputContents(0).toByteArray()).isEqualTo(floats(1, 2));
      assertThat(read.getRawOutputContents(1).toByteArray()).isEqualTo(big);
      assertThat(read.getRawOutputContents(2).isEmpty()).isTrue();
      assertThat(read.getOutputs(3).getShapeCount()).isZero();
    }
  }

  @Test
  void veryLongNamesAreWritten() throws IOException {
    try (InferResponse response =
        response(
            "x".repeat(40_000), Map.of(), tensor("y", DataType.UINT8, Shape.of(1), new byte[1]))) {
      assertThat(grpc(response).getId()).hasSize(40_000);
      assertThat(json(response, ResponseForm.BINARY)).contains("x".repeat(40_000));
    }
  }

  private List<String> classes(Tensor output, int k, boolean batching) {
    Classification classification =
        new Classification(batching, name -> List.of("zero", "one"), memory);
    List<RequestedOutput> wanted = List.of(new RequestedOutput(output.name(), k));
    List<String> texts = new ArrayList<>();
    try (InferResponse plain = response("", Map.of(), output)) {
      InferResponse classified = classification.applyTo(plain, wanted);
      Tensor result = classified.outputs().getFirst();
      texts.add(result.shape().toString());
      ByteBuffer bytes = result.bytes();
      while (bytes.hasRemaining()) {
        byte[] text = new byte[bytes.getInt()];
        bytes.get(text);
        texts.add(new String(text, StandardCharsets.UTF_8));
      }
      classified.close();
    }
    return texts;
  }

  @Test
  void topClassesAreTextsInDescendingOrder() {
    byte[] values = floats(0.1f, 0.7f, 0.2f, 0.25f, -1e-9f, 3e9f);
    assertThat(classes(tensor("y", DataType.FP32, Shape.of(2, 3), values), 2, true))
        .containsExactly(
            "[2,2]", "0.700000:1:one", "0.200000:2", "3000000000.000000:2", "0.250000:0:zero");
    assertThat(classes(tensor("y", DataType.FP32, Shape.of(3), floats(1, Float.NaN, 1)), 9, false))
        .containsExactly("[3]", "1.000000:0:zero", "1.000000:2", "nan:1:one");
    assertThat(classes(tensor("y", DataType.UINT8, Shape.of(1, 2), new byte[] {1, -1}), 1, true))
        .containsExactly("[1,1]", "255:1:one");
  }

  @Test
  void typesWithoutOrderHaveNoClasses() {
    assertThatThrownBy(
            () -> classes(tensor("y", DataType.BOOL, Shape.of(1), new byte[1]), 1, false))
        .hasMessageContaining("class result not available for output due to unsupported type");
  }

  private static String text(ByteBuf body) {
    String text = body.toString(StandardCharsets.UTF_8);
    body.release();
    return text;
  }

  @Test
  void messagesAreJsonWithTheirOwnNames() {
    assertThat(text(JsonBodies.error("a \"b\" é"))).isEqualTo("{\"error\":\"a \\\"b\\\" é\"}");
    ModelConfig config =
        ModelConfig.newBuilder()
            .setName("m")
            .setMaxBatchSize(8)
            .addInput(
                ModelInput.newBuilder()
                    .setName("x")
                    .setDataType(dev.nereid.config.proto.DataType.TYPE_FP32)
                    .addDims(-1))
            .putMetricTags("k", "v")
            .build();
    assertThat(text(JsonBodies.complete(config)))
        .startsWith("{\"name\":\"m\",\"platform\":\"\",")
        .contains("\"max_batch_size\":8,\"input\":[{\"name\":\"x\",\"data_type\":\"TYPE_FP32\",")
        .contains("\"dims\":[-1]")
        .contains("\"metric_tags\":{\"k\":\"v\"}")
        .contains("\"cc_model_filenames\":{}")
        .doesNotContain("dynamic_batching");
    assertThat(
            text(
                JsonBodies.complete(
                    StatisticDuration.newBuilder().setCount(3).setNs(Long.MIN_VALUE).build())))
        .isEqualTo("{\"count\":3,\"ns\":9223372036854775808}");
    ModelIndex index = ModelIndex.newBuilder().setName("m").build();
    assertThat(text(JsonBodies.sparse(List.of(index, ModelIndex.getDefaultInstance()))))
        .isEqualTo("[{\"name\":\"m\"},{}]");
  }

  @Test
  void everyFaultHasAStatusInBothProtocols() {
    for (Fault fault : Fault.values()) {
      assertThat(HttpStatusOf.fault(fault)).isBetween(400, 504);
      assertThat(GrpcStatusOf.fault(fault)).isNotEqualTo(Status.Code.OK);
    }
    assertThat(HttpStatusOf.fault(Fault.TOO_LARGE)).isEqualTo(400);
    assertThat(HttpStatusOf.fault(Fault.UNSUPPORTED)).isEqualTo(501);
    assertThat(GrpcStatusOf.failure(Fault.QUEUE_TIMEOUT.with("t")).getCode())
        .isEqualTo(Status.Code.UNAVAILABLE);
  }

  @Test
  void trailersTellFaultsApartThatShareAStatus() {
    for (Fault fault : Fault.values()) {
      Metadata trailers = new Metadata();
      GrpcStatusOf.tell(fault, trailers);
      assertThat(GrpcStatusOf.told(trailers)).isEqualTo(fault);
    }
    assertThat(GrpcStatusOf.told(new Metadata())).isNull();
    Metadata strange = new Metadata();
    strange.put(Metadata.Key.of("nereid-fault", Metadata.ASCII_STRING_MARSHALLER), "TEAPOT");
    assertThat(GrpcStatusOf.told(strange)).isNull();
  }
}
