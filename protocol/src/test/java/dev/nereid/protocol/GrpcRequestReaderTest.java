package dev.nereid.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import com.google.protobuf.ByteString;
import dev.nereid.core.DataType;
import dev.nereid.core.FaultException;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.protocol.proto.InferParameter;
import dev.nereid.protocol.proto.InferTensorContents;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferRequest.InferInputTensor;
import dev.nereid.protocol.proto.ModelInferRequest.InferRequestedOutputTensor;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What the generated classes write, the hand-written scan reads. */
final class GrpcRequestReaderTest {
  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final GrpcRequestReader reader = new GrpcRequestReader(memory);

  @AfterEach
  void everyLeaseIsGivenBack() {
    assertThat(memory.openLeases()).isZero();
    memory.close();
  }

  private InferMessage read(ModelInferRequest request) {
    return reader.read(memory.copyOf(request.toByteArray()), 3, 9);
  }

  private void refused(ModelInferRequest.Builder request, String fragment) {
    assertThatThrownBy(() -> read(request.build()).close())
        .isInstanceOf(FaultException.class)
        .hasMessageContaining(fragment);
  }

  private static InferInputTensor.Builder input(String name, DataType type, long... shape) {
    InferInputTensor.Builder input =
        InferInputTensor.newBuilder().setName(name).setDatatype(type.name());
    Arrays.stream(shape).forEach(input::addShape);
    return input;
  }

  private static InferParameter number(long value) {
    return InferParameter.newBuilder().setInt64Param(value).build();
  }

  private static byte[] bytes(Tensor tensor) {
    byte[] bytes = new byte[tensor.length()];
    tensor.bytes().get(bytes);
    return bytes;
  }

  @Test
  void rawContentsAreViewsOfTheMessage() {
    ModelInferRequest request =
        ModelInferRequest.newBuilder()
            .setModelName("modèle")
            .setModelVersion("12")
            .setId("id-1")
            .putParameters("priority", number(3))
            .putParameters("timeout", number(77))
            .putParameters("n", number(-4))
            .putParameters("s", InferParameter.newBuilder().setStringParam("t").build())
            .putParameters("b", InferParameter.newBuilder().setBoolParam(true).build())
            .putParameters("d", InferParameter.newBuilder().setDoubleParam(0.5).build())
            .putParameters("u", InferParameter.newBuilder().setUint64Param(6).build())
            .addInputs(input("a", DataType.FP32, 1, 2))
            .addInputs(input("b", DataType.UINT8, 3))
            .addOutputs(
                InferRequestedOutputTensor.newBuilder()
                    .setName("y")
                    .putParameters("classification", number(2)))
            .addOutputs(InferRequestedOutputTensor.newBuilder().setName("z"))
            .addRawInputContents(ByteString.copyFrom(new byte[] {1, 2, 3, 4, 5, 6, 7, 8}))
            .addRawInputContents(ByteString.copyFrom(new byte[] {9, 8, 7}))
            .build();
    try (InferMessage message = read(request)) {
      assertThat(message.call().model()).isEqualTo("modèle");
      assertThat(message.call().version()).isEqualTo(12);
      assertThat(message.call().id()).isEqualTo("id-1");
      assertThat(message.call().priority()).isEqualTo(3);
      assertThat(message.call().timeoutMicros()).isEqualTo(77);
      assertThat(message.call().deadlineNanos()).isEqualTo(9);
      assertThat(message.call().parameters())
          .containsOnly(
              entry("n", -4L), entry("s", "t"), entry("b", true), entry("d", 0.5), entry("u", 6L));
      assertThat(message.call().outputs())
          .containsExactly(new RequestedOutput("y", 2), new RequestedOutput("z", 0));
      assertThat(message.leases()).hasSize(1);
      assertThat(message.inputs().get(0).shape()).isEqualTo(Shape.of(1, 2));
      assertThat(bytes(message.inputs().get(0))).containsExactly(1, 2, 3, 4, 5, 6, 7, 8);
      assertThat(bytes(message.inputs().get(1))).containsExactly(9, 8, 7);
    }
  }

  @Test
  void typedContentsOfEveryKindBecomeTensors() {
    ModelInferRequest request =
        ModelInferRequest.newBuilder()
            .setModelName("m")
            .addInputs(typed(DataType.BOOL, c -> c.addBoolContents(true).addBoolContents(false)))
            .addInputs(typed(DataType.INT8, c -> c.addIntContents(-1).addIntContents(300)))
            .addInputs(typed(DataType.INT16, c -> c.addIntContents(-2).addIntContents(1)))
            .addInputs(typed(DataType.INT32, c -> c.addIntContents(-1).addIntContents(5)))
            .addInputs(typed(DataType.INT64, c -> c.addInt64Contents(-1).addInt64Contents(5)))
            .addInputs(typed(DataType.UINT16, c -> c.addUintContents(65535).addUintContents(1)))
            .addInputs(typed(DataType.UINT64, c -> c.addUint64Contents(-1).addUint64Contents(0)))
            .addInputs(typed(DataType.FP32, c -> c.addFp32Contents(1f).addFp32Contents(-2f)))
            .addInputs(typed(DataType.FP32, c -> c.addFp32Contents(1f)))
            .addInputs(typed(DataType.FP64, c -> c.addFp64Contents(1).addFp64Contents(2)))
            .addInputs(
                typed(
                    DataType.BYTES,
                    c ->
                        c.addBytesContents(ByteString.copyFromUtf8("ab"))
                            .addBytesContents(ByteString.EMPTY)))
            .build();
    List<String> expected =
        List.of(
            "0100",
            "ff2c",
            "feff0100",
            "ffffffff05000000",
            "ffffffffffffffff0500000000000000",
            "ffff0100",
            "ffffffffffffffff0000000000000000",
            "0000803f000000c0",
            "0000803f",
            "000000000000f03f0000000000000040",
            "02000000616200000000");
    try (InferMessage message = read(request)) {
      for (int i = 0; i < expected.size(); i++) {
        assertThat(bytes(message.inputs().get(i)))
            .as(message.inputs().get(i).type().name())
            .asHexString()
            .isEqualToIgnoringCase(expected.get(i));
      }
    }
  }

  private static InferInputTensor typed(
      DataType type, java.util.function.Consumer<InferTensorContents.Builder> fill) {
    InferTensorContents.Builder contents = InferTensorContents.newBuilder();
    fill.accept(contents);
    return input("x", type, 2).setContents(contents).build();
  }

  @Test
  void unpackedListsAreReadLikePackedOnes() {
    // name "x", datatype "FP32", shape 2 (unpacked), contents {fp32 1.0, fp32 2.0 (unpacked)}
    byte[] input = {
      0x0A,
      1,
      'x',
      0x12,
      4,
      'F',
      'P',
      '3',
      '2',
      0x18,
      2,
      0x2A,
      10,
      0x35,
      0,
      0,
      (byte) 0x80,
      0x3F,
      0x35,
      0,
      0,
      0,
      0x40
    };
    byte[] message = new byte[input.length + 2];
    message[0] = 0x2A;
    message[1] = (byte) input.length;
    System.arraycopy(input, 0, message, 2, input.length);
    try (InferMessage read = reader.read(memory.copyOf(message), 0, 0)) {
      assertThat(read.inputs().getFirst().shape()).isEqualTo(Shape.of(2));
      assertThat(bytes(read.inputs().getFirst())).asHexString().isEqualTo("0000803F00000040");
    }
  }

  @Test
  void contradictionsAreRefusedInTritonsWords() {
    ModelInferRequest.Builder request = ModelInferRequest.newBuilder().setModelName("m");
    InferInputTensor typed = typed(DataType.FP32, c -> c.addFp32Contents(1));
    refused(
        request.clone().addInputs(typed).addRawInputContents(ByteString.copyFromUtf8("abcd")),
        "contents field must not be specified when using raw_input_contents");
    refused(
        request
            .clone()
            .addInputs(input("a", DataType.FP32, 1))
            .addInputs(input("b", DataType.FP32, 1))
            .addRawInputContents(ByteString.copyFromUtf8("abcd")),
        "unable to find data for input tensor 'b' for model 'm' in request");
    refused(
        request.clone().addInputs(typed(DataType.FP32, c -> c.addIntContents(1))),
        "unexpected explicit tensor data for input tensor 'x' for model 'm' of type 'INT32',"
            + " expected datatype 'FP32'");
    refused(
        request.clone().addInputs(typed(DataType.FP16, c -> c.addFp32Contents(1))),
        "unexpected explicit tensor data for input tensor 'x'");
    refused(
        request
            .clone()
            .addInputs(typed(DataType.INT32, c -> c.addIntContents(1).addFp32Contents(1))),
        "binary data was already supplied");
    refused(request.clone().setModelVersion("v1"), "failed to get model version from specified");
    refused(request.clone().setModelVersion("0"), "failed to get model version from specified");
    refused(
        request.clone().addInputs(input("a", DataType.FP32, -1)),
        "All input dimensions should be specified for input 'a'");
    refused(
        request.clone().addInputs(input("a", DataType.FP32).setDatatype("FP33")),
        "data-type is 'FP33'");
    refused(
        request
            .clone()
            .addInputs(
                input("a", DataType.FP32)
                    .putParameters(
                        "shared_memory_region",
                        InferParameter.newBuilder().setStringParam("r").build())),
        "Client shared memory is disabled");
  }

  @Test
  void parametersOfTheWrongTypeAreRefused() {
    InferParameter text = InferParameter.newBuilder().setStringParam("1").build();
    ModelInferRequest.Builder request = ModelInferRequest.newBuilder().setModelName("m");
    refused(
        request.clone().putParameters("priority", text),
        "invalid value type for 'priority' parameter, expected int64_param or uint64_param");
    refused(
        request.clone().putParameters("timeout", text),
        "invalid value type for 'timeout' parameter, expected int64_param");
    refused(
        request.clone().putParameters("sequence_start", text),
        "invalid value type for 'sequence_start' parameter, expected bool_param");
    refused(
        request
            .clone()
            .putParameters("sequence_id", InferParameter.newBuilder().setBoolParam(true).build()),
        "invalid value type for 'sequence_id' parameter, expected int64_param or string_param");
    refused(
        request
            .clone()
            .putParameters(
                "sequence_id", InferParameter.newBuilder().setStringParam("x".repeat(129)).build()),
        "string correlation ID cannot be longer than 128 characters");
    refused(
        request.clone().putParameters("triton_x", text),
        "parameter keys starting with 'triton_' are reserved");
    refused(request.clone().putParameters("a", InferParameter.getDefaultInstance()), "'a'");
    refused(
        request
            .clone()
            .addOutputs(
                InferRequestedOutputTensor.newBuilder()
                    .setName("y")
                    .putParameters("classification", number(0))),
        "classification");
  }

  @ParameterizedTest
  @ValueSource(longs = {21, 22, 23})
  void damagedMessagesEndInAFaultAndLeaveNothing(long seed) {
    Random random = new Random(seed);
    byte[] sound =
        ModelInferRequest.newBuilder()
            .setModelName("model")
            .setId("1")
            .putParameters("priority", number(3))
            .addInputs(typed(DataType.FP32, c -> c.addFp32Contents(1f).addFp32Contents(-2f)))
            .addInputs(typed(DataType.INT32, c -> c.addIntContents(-1).addIntContents(5)))
            .addInputs(
                typed(DataType.BYTES, c -> c.addBytesContents(ByteString.copyFromUtf8("ab"))))
            .addOutputs(InferRequestedOutputTensor.newBuilder().setName("y"))
            .build()
            .toByteArray();
    for (int i = 0; i < 10_000; i++) {
      byte[] bytes =
          random.nextInt(4) == 0
              ? Arrays.copyOf(sound, random.nextInt(sound.length))
              : sound.clone();
      for (int n = random.nextInt(3); n >= 0 && bytes.length > 0; n--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      Lease body = memory.copyOf(bytes);
      try (InferMessage message = reader.read(body, 0, 0)) {
        message.inputs().forEach(Tensor::bytes);
      } catch (FaultException e) {
        assertThat(e).hasMessageNotContaining("null");
      }
      assertThat(memory.openLeases()).as("round %d of seed %d", i, seed).isZero();
    }
  }

  @Test
  void namesThatAreNotUtf8AreRefused() {
    byte[] message = {0x0A, 2, (byte) 0xC3, '('};
    assertThatThrownBy(() -> reader.read(memory.copyOf(message), 0, 0))
        .hasMessageContaining("not UTF-8");
    byte[] long64 = "é".repeat(50).getBytes(StandardCharsets.UTF_8);
    assertThat(long64).hasSizeGreaterThan(64);
  }
}
