package dev.nereid.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import dev.nereid.config.proto.DataType;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What v2 clients send over HTTP, right and wrong. */
final class JsonRequestReaderTest {
  private static final Arrival ARRIVAL = new Arrival("m", -1, 5, Long.MAX_VALUE);

  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final JsonRequestReader reader =
      new JsonRequestReader(memory, new RequestLimits(1 << 20));

  @AfterEach
  void everyLeaseIsGivenBack() {
    assertThat(memory.openLeases()).isZero();
    memory.close();
  }

  private InferMessage read(String json) {
    byte[] text = json.getBytes(StandardCharsets.UTF_8);
    return reader.read(ARRIVAL, memory.copyOf(text), text.length, -1);
  }

  private InferMessage read(String json, byte[] blobs) {
    byte[] text = json.getBytes(StandardCharsets.UTF_8);
    byte[] all = Arrays.copyOf(text, text.length + blobs.length);
    System.arraycopy(blobs, 0, all, text.length, blobs.length);
    return reader.read(ARRIVAL, memory.copyOf(all), all.length, text.length);
  }

  private void refused(String json, String fragment) {
    assertThatThrownBy(() -> read(json).close())
        .isInstanceOf(FaultException.class)
        .hasMessageContaining(fragment);
  }

  private static String input(String type, String shape, String data) {
    return "{\"inputs\":[{\"name\":\"x\",\"datatype\":\""
        + type
        + "\",\"shape\":"
        + shape
        + ",\"data\":"
        + data
        + "}]}";
  }

  private static byte[] bytes(Tensor tensor) {
    byte[] bytes = new byte[tensor.length()];
    tensor.bytes().get(bytes);
    return bytes;
  }

  @Test
  void aRequestWithJsonNumbersIsRead() {
    String json =
        """
        { "id" : "r1", "parameters": {"priority": 2, "timeout":1000, "a":"b", "i":1, "d":1.0, "f":true},
          "inputs": [ {"name":"x","shape":[2,3],"datatype":"FP32",
                       "data":[[1, 2.5,-3e2 ],[0.1,NaN,-Infinity]]} ],
          "outputs":[{"name":"y","parameters":{"classification":3}},{"name":"z","parameters":{"binary_data":true}}],
          "other": {"x":[1,{"y":null}]} }
        """;
    try (InferMessage message = read(json)) {
      assertThat(message.call().model()).isEqualTo("m");
      assertThat(message.call().id()).isEqualTo("r1");
      assertThat(message.call().priority()).isEqualTo(2);
      assertThat(message.call().timeoutMicros()).isEqualTo(1000);
      assertThat(message.call().receivedNanos()).isEqualTo(5);
      assertThat(message.call().parameters())
          .containsOnly(entry("a", "b"), entry("i", 1L), entry("d", 1.0), entry("f", true));
      assertThat(message.call().outputs())
          .containsExactly(new RequestedOutput("y", 3), new RequestedOutput("z", 0));
      assertThat(message.form().isBinary("y")).isFalse();
      assertThat(message.form().isBinary("z")).isTrue();
      Tensor x = message.inputs().getFirst();
      assertThat(x.shape()).isEqualTo(Shape.of(2, 3));
      float[] values = new float[6];
      x.bytes().asFloatBuffer().get(values);
      assertThat(values).containsExactly(1, 2.5f, -300, 0.1f, Float.NaN, Float.NEGATIVE_INFINITY);
    }
    assertThat(memory.openLeases()).isZero();
  }

  @Test
  void blobsAreViewsOfTheBodyInTheOrderOfInputs() {
    String json =
        """
        {"inputs":[{"name":"a","datatype":"FP32","shape":[1,2],"parameters":{"binary_data_size":8}},
         {"name":"j","datatype":"INT32","shape":[2],"data":[7,8]},
         {"name":"b","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":10}}],
         "parameters":{"binary_data_output":true}}""";
    byte[] blobs = {0, 0, (byte) 0x80, 63, 0, 0, 0, 64, 2, 0, 0, 0, 'a', 'b', 0, 0, 0, 0};
    try (InferMessage message = read(json, blobs)) {
      assertThat(message.inputs().get(0).bytes().getFloat(4)).isEqualTo(2f);
      assertThat(message.inputs().get(1).bytes().getInt(4)).isEqualTo(8);
      assertThat(bytes(message.inputs().get(2))).isEqualTo(Arrays.copyOfRange(blobs, 8, 18));
      assertThat(message.inputs().get(0).lease()).isSameAs(message.inputs().get(2).lease());
      assertThat(message.form().isBinary("whatever")).isTrue();
    }
  }

  @Test
  void theOrderOfMembersDoesNotMatter() {
    String json =
        "{\"inputs\":[{\"data\":[[1],[2]],\"shape\":[2],\"datatype\":\"INT64\",\"name\":\"x\"}]}";
    try (InferMessage message = read(json)) {
      assertThat(message.inputs().getFirst().bytes().getLong(8)).isEqualTo(2);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "BOOL   | [true,false]          | 0100",
        "INT8   | [-1,300]              | ff2c",
        "UINT8  | [255,257]             | ff01",
        "INT16  | [-2,1]                | feff0100",
        "UINT16 | [65535,1]             | ffff0100",
        "INT32  | [-1,5]                | ffffffff05000000",
        "UINT32 | [4294967295,5]        | ffffffff05000000",
        "INT64  | [-1,5]                | ffffffffffffffff0500000000000000",
        "UINT64 | [18446744073709551615,0] | ffffffffffffffff0000000000000000",
        "FP64   | [1,-0.5]              | 000000000000f03f000000000000e0bf",
        "BYTES  | [\"ä\",\"\\u20AC\\n\"] | 02000000c3a404000000e282ac0a"
      })
  void everyTypeHasItsJsonForm(String type, String data, String hex) {
    try (InferMessage message = read(input(type, "[2]", data))) {
      assertThat(bytes(message.inputs().getFirst())).asHexString().isEqualToIgnoringCase(hex);
    }
  }

  @Test
  void escapesOfEveryKindAreUnderstood() {
    String data = "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\\uD83D\\uDE00\"]";
    try (InferMessage message = read(input("BYTES", "[1]", data))) {
      ByteBuffer bytes = message.inputs().getFirst().bytes();
      byte[] text = new byte[bytes.getInt()];
      bytes.get(text);
      assertThat(new String(text, StandardCharsets.UTF_8)).isEqualTo("\"\\/\b\f\n\r\tA😀");
    }
  }

  @Test
  void anEmptyShapeDimensionNeedsNoData() {
    try (InferMessage message = read(input("FP32", "[0,4]", "[1,2]"))) {
      assertThat(message.inputs().getFirst().length()).isZero();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "FP32  | [3]  | [1,2]          | Unable to parse 'data': Shape does not match true shape of 'data' field",
        "FP32  | [1]  | [1,2]          | Shape does not match true shape of 'data' field",
        "FP32  | [999999999999] | [1]  | Shape does not match true shape of 'data' field",
        "FP32  | [9999999999,9999999999] | [1]  | Unable to parse 'shape'",
        "FP32  | [1]  | 1              | Unable to parse 'data'",
        "FP32  | [2]  | [1,]           | Invalid value",
        "FP32  | [2]  | [1 2]          | Missing a comma or ]",
        "FP32  | [2]  | [[1,2]         | Missing a comma or ]",
        "FP32  | [1]  | [\"1\"]        | Unable to parse 'data'",
        "FP32  | [1]  | [01]           | Missing a comma or ]",
        "INT32 | [1]  | [1.5]          | attempt to access JSON non-signed-integer",
        "UINT8 | [1]  | [-1]           | attempt to access JSON non-unsigned-integer",
        "BOOL  | [1]  | [1]            | Unable to parse 'data'",
        "BYTES | [1]  | [1]            | attempt to access JSON non-string as string",
        "BYTES | [1]  | [\"\\uD800\"]  | surrogate pair",
        "BYTES | [1]  | [\"\\x\"]      | Invalid escape",
        "FP16  | [1]  | [1]            | receiving FP16 data via JSON is not supported",
        "BF16  | [1]  | [1]            | receiving BF16 data via JSON is not supported",
        "FP99  | [1]  | [1]            | data-type is 'FP99'",
        "FP32  | [-1] | [1]            | Unable to parse 'shape'",
        "FP32  | 5    | [1]            | Unable to parse 'shape'",
        "FP32  | [1]  | [1e999]        | Number too big"
      })
  void wrongInputsAreRefused(String type, String shape, String data, String fragment) {
    refused(input(type, shape, data), fragment);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''                          | The document is empty",
        "[]                          | failed to parse the request JSON buffer",
        "{}                          | Unable to parse 'inputs'",
        "{\"inputs\":{}}             | Unable to parse 'inputs'",
        "{\"inputs\":[{}]}           | Unable to parse 'name'",
        "{\"inputs\":[],\"id\":5}    | Unable to parse 'id'",
        "{\"inputs\":[]} x           | must not be followed",
        "{\"inputs\":[]              | Missing a comma or }",
        "{\"inputs\":[],}            | Missing a name",
        "{\"inputs\" []}             | Missing a colon",
        "{\"inputs\":[],\"a\":nul}   | Invalid value",
        "{\"inputs\":[],\"a\":\"     | Missing a closing quotation mark",
        "{\"inputs\":[],\"outputs\":[{}]} | Unable to parse 'name'",
        "{\"inputs\":[],\"outputs\":[{\"name\":1}]} | Unable to parse 'name'",
        "{\"inputs\":[],\"parameters\":{\"a\":[1]}} | parameter 'a' has invalid type",
        "{\"inputs\":[],\"parameters\":{\"a\":null}} | parameter 'a' has invalid type",
        "{\"inputs\":[],\"parameters\":{\"triton_x\":1}} | parameter keys starting with 'triton_' are reserved",
        "{\"inputs\":[],\"parameters\":{\"priority\":-1}} | Unable to parse 'priority'",
        "{\"inputs\":[],\"parameters\":{\"timeout\":\"1\"}} | Unable to parse 'timeout'",
        "{\"inputs\":[],\"parameters\":{\"sequence_start\":1}} | Unable to parse 'sequence_start'"
      })
  void wrongRequestsAreRefused(String json, String fragment) {
    refused(json, fragment);
  }

  @Test
  void exactlyOneSourceOfDataIsWanted() {
    String both =
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1],\"parameters\":{\"binary_data_size\":4}}]}";
    refused(both, "Input must set only one of the following fields");
    refused(
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1]}]}",
        "Input must set only one of the following fields");
    refused(
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"parameters\":{\"shared_memory_region\":\"r\"}}]}",
        "Client shared memory is disabled");
  }

  @Test
  void blobsMustBeAnnouncedAndHaveTheirLength() {
    String json =
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"parameters\":{\"binary_data_size\":4}}]}";
    refused(json, "must specify valid 'Infer-Header-Content-Length'");
    assertThatThrownBy(() -> read(json, new byte[3]))
        .hasMessageContaining(
            "unexpected size for input 'x', expecting 1 additional bytes for model 'm'");
    assertThatThrownBy(() -> read(json, new byte[5]))
        .hasMessageContaining("unexpected additional input data for model 'm'");
    assertThatThrownBy(() -> JsonRequestReader.textLength("x", 5))
        .hasMessageContaining("Unable to parse Inference-Header-Content-Length, got: x");
    assertThatThrownBy(() -> JsonRequestReader.textLength("-1", 5))
        .hasMessageContaining("inference header size should be in range (0, 5), got: -1");
    assertThatThrownBy(() -> JsonRequestReader.textLength("6", 5))
        .hasMessageContaining("inference header size should be in range (0, 5), got: 6");
    assertThat(JsonRequestReader.textLength(null, 5)).isEqualTo(-1);
  }

  @Test
  void limitsAreNamedAndHeld() {
    refused(" ".repeat((1 << 20) + 1), "Use --http-max-input-size to increase the limit");
    int count = 200_000; // as FP64 more than the limit, as text less
    String data = "[" + "1,".repeat(count - 1) + "1]";
    assertThatThrownBy(() -> read(input("FP64", "[" + count + "]", data)))
        .isInstanceOfSatisfying(
            FaultException.class, e -> assertThat(e.failure().fault()).isEqualTo(Fault.TOO_LARGE))
        .hasMessageContaining("exceeds the maximum allowed");
  }

  @Test
  void deepNestingIsRefusedAndNotFollowed() {
    for (String open : List.of("[", "{\"a\":")) {
      refused("{\"inputs\":[],\"a\":" + open.repeat(100_000), "nesting depth");
    }
    refused(input("FP32", "[1]", "[".repeat(200) + "1" + "]".repeat(200)), "nesting depth");
    try (InferMessage message = read(input("FP32", "[1]", "[".repeat(90) + "1" + "]".repeat(90)))) {
      assertThat(message.inputs()).hasSize(1);
    }
  }

  @Test
  void brokenUtf8IsRefused() {
    byte[] json = input("BYTES", "[1]", "[\"XY\"]").getBytes(StandardCharsets.UTF_8);
    int at = new String(json, StandardCharsets.UTF_8).indexOf("XY");
    byte[][] bad = {
      {(byte) 0xC3, '('}, {(byte) 0xFF, 'a'}, {(byte) 0x80, 'a'}, {(byte) 0xC0, (byte) 0x80}
    };
    for (byte[] pair : bad) {
      byte[] copy = json.clone();
      System.arraycopy(pair, 0, copy, at, 2);
      assertThatThrownBy(() -> reader.read(ARRIVAL, memory.copyOf(copy), copy.length, -1))
          .hasMessageContaining("Invalid encoding in string");
    }
  }

  @Test
  void aRawBodyIsTheModelsOnlyInput() {
    ModelConfig config = config(8, DataType.TYPE_FP32, 4);
    try (InferMessage message = reader.readRaw(ARRIVAL, memory.take(20), 16, config)) {
      assertThat(message.inputs().getFirst().shape()).isEqualTo(Shape.of(1, 4));
      assertThat(message.form()).isEqualTo(ResponseForm.BINARY);
    }
    try (InferMessage message =
        reader.readRaw(ARRIVAL, memory.take(24), 24, config(0, DataType.TYPE_INT16, -1, 3))) {
      assertThat(message.inputs().getFirst().shape()).isEqualTo(Shape.of(4, 3));
    }
    try (InferMessage message =
        reader.readRaw(
            ARRIVAL, memory.copyOf(new byte[] {7, 8}), 2, config(1, DataType.TYPE_STRING, 1))) {
      assertThat(bytes(message.inputs().getFirst())).containsExactly(2, 0, 0, 0, 7, 8);
      assertThat(message.inputs().getFirst().shape()).isEqualTo(Shape.of(1, 1));
    }
    for (ModelConfig wrong :
        List.of(
            config(0, DataType.TYPE_FP32, -1, -1),
            config(0, DataType.TYPE_FP32, -1, 3),
            config(0, DataType.TYPE_STRING, 2),
            config.toBuilder().addInput(config.getInput(0)).build())) {
      assertThatThrownBy(() -> reader.readRaw(ARRIVAL, memory.take(16), 16, wrong))
          .isInstanceOf(FaultException.class);
    }
  }

  private static ModelConfig config(int maxBatch, DataType type, long... dims) {
    ModelInput.Builder input = ModelInput.newBuilder().setName("x").setDataType(type);
    Arrays.stream(dims).forEach(input::addDims);
    return ModelConfig.newBuilder().setMaxBatchSize(maxBatch).addInput(input).build();
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14})
  void damagedRequestsEndInAFaultAndLeaveNothing(long seed) {
    Random random = new Random(seed);
    List<String> sound = new ArrayList<>();
    sound.add(input("FP32", "[2,2]", "[[1.5,-2e3],[3,NaN]]"));
    sound.add(input("BYTES", "[2]", "[\"a\\u00e4\",\"é\\n\"]"));
    sound.add(
        "{\"id\":\"1\",\"inputs\":[{\"data\":[true],\"name\":\"x\",\"shape\":[1],\"datatype\":\"BOOL\"},"
            + "{\"name\":\"y\",\"shape\":[1],\"datatype\":\"UINT8\",\"parameters\":{\"binary_data_size\":1}}],"
            + "\"outputs\":[{\"name\":\"o\",\"parameters\":{\"binary_data\":true}}],\"parameters\":{\"a\":1}}");
    for (int i = 0; i < 4_000; i++) {
      byte[] bytes = sound.get(random.nextInt(sound.size())).getBytes(StandardCharsets.UTF_8);
      for (int n = random.nextInt(4); n >= 0; n--) {
        int at = random.nextInt(bytes.length);
        switch (random.nextInt(4)) {
          case 0 -> bytes[at] = (byte) random.nextInt();
          case 1 -> bytes = Arrays.copyOf(bytes, Math.max(1, at));
          case 2 -> bytes[at] = (byte) "[]{},:\"0-eE.\\ tfn".charAt(random.nextInt(17));
          default -> {
            byte[] longer = Arrays.copyOf(bytes, bytes.length + at);
            System.arraycopy(bytes, 0, longer, bytes.length, at);
            bytes = longer;
          }
        }
      }
      Lease body = memory.copyOf(bytes);
      int text = random.nextBoolean() ? -1 : random.nextInt(bytes.length + 1);
      try (InferMessage message = reader.read(ARRIVAL, body, bytes.length, text)) {
        message.inputs().forEach(Tensor::bytes);
      } catch (FaultException e) {
        assertThat(e.failure().fault())
            .isIn(Fault.INVALID_ARGUMENT, Fault.TOO_LARGE, Fault.UNSUPPORTED);
      }
      assertThat(memory.openLeases()).as("round %d of seed %d", i, seed).isZero();
    }
  }

  @Test
  void plainAndOtherNumbersMayStandInAnyOrder() {
    Random random = new Random(9);
    String[] forms = {"%.0f", "%.1f", "%.6f", "%.8f", "%.17f", "%.20f", "%e", "%.7f"};
    for (int round = 0; round < 300; round++) {
      StringBuilder data = new StringBuilder("[");
      List<Float> expected = new ArrayList<>();
      int count = 1 + random.nextInt(60);
      for (int i = 0; i < count; i++) {
        double scale = Math.pow(10, random.nextInt(9) - 2);
        String number =
            String.format(Locale.ROOT, forms[random.nextInt(8)], random.nextGaussian() * scale);
        expected.add(Float.parseFloat(number));
        data.append(" \n".charAt(random.nextInt(2))).append(number);
        data.append(i == count - 1 ? "" : random.nextInt(9) == 0 ? " ," : ",");
      }
      try (InferMessage message = read(input("FP32", "[" + count + "]", data + "]"))) {
        float[] values = new float[count];
        message.inputs().getFirst().bytes().asFloatBuffer().get(values);
        for (int i = 0; i < count; i++) {
          assertThat(values[i]).as(data.toString()).isEqualTo(expected.get(i));
        }
      }
    }
  }

  @Test
  void malformedNumbersAmidManyAreRefused() {
    String many = "0.5,".repeat(40);
    for (String bad :
        List.of("01.5", "1.", ".5", "-", "1..5", "1.5.5", "--1", "1e", "0x1", "+1", "00", "")) {
      refused(
          input(
              "FP32", "[81]", "[" + many + bad + "," + many.substring(0, many.length() - 1) + "]"),
          "at ");
    }
  }

  @Test
  void floatsSurviveTheWayThroughJson() {
    Random random = new Random(7);
    ByteBuffer expected = ByteBuffer.allocate(4 * 5_000).order(ByteOrder.LITTLE_ENDIAN);
    StringBuilder data = new StringBuilder("[");
    for (int i = 0; i < 5_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt() & 0xBFFFFFFF);
      expected.putFloat(value);
      data.append(i == 0 ? "" : ", ").append(i % 2 == 0 ? "" + value : "" + (double) value);
    }
    try (InferMessage message = read(input("FP32", "[5000]", data + "]"))) {
      assertThat(bytes(message.inputs().getFirst())).isEqualTo(expected.array());
    }
  }
}
