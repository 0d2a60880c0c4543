package dev.nereid.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.Damage;
import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Timings;
import dev.nereid.protocol.proto.ModelInferRequest;
import dev.nereid.protocol.proto.ModelInferResponse;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Requests as they leave for another server, and its answers as they come back. */
final class UpstreamMessagesTest {
  private static final byte[] PIXELS = {1, 2, 3, 4, 5, 6};

  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);

  @AfterEach
  void everyLeaseIsGivenBack() {
    assertThat(memory.openLeases()).isZero();
    memory.close();
  }

  private static InferRequest.Call call(long version, long timeoutMicros) {
    return new InferRequest.Call(
        "m",
        version,
        "id-1",
        Map.of("confidence", 0.5, "name", "ä", "on", true, "n", -3L),
        List.of(new RequestedOutput("a", 0), new RequestedOutput("b", 3)),
        0,
        timeoutMicros,
        0,
        Long.MAX_VALUE);
  }

  private static byte[] bytes(GrpcRequest request) throws IOException {
    var out = new ByteArrayOutputStream();
    request.writeTo(out);
    assertThat(out.size()).isEqualTo(request.size());
    return out.toByteArray();
  }

  @Test
  void aRequestIsWhatGeneratedCodeReads() throws IOException {
    try (Lease lease = memory.copyOf(PIXELS)) {
      var input = new Tensor("x", DataType.UINT8, Shape.of(1, 4), lease, 1, 4);
      var message =
          ModelInferRequest.parseFrom(bytes(new GrpcRequest(call(2, 700), List.of(input), 1)));
      assertThat(message.getModelName()).isEqualTo("m");
      assertThat(message.getModelVersion()).isEqualTo("2");
      assertThat(message.getId()).isEqualTo("id-1");
      assertThat(message.getParametersOrThrow("priority").getInt64Param()).isEqualTo(1);
      assertThat(message.getParametersOrThrow("timeout").getInt64Param()).isEqualTo(700);
      assertThat(message.getParametersOrThrow("confidence").getDoubleParam()).isEqualTo(0.5);
      assertThat(message.getParametersOrThrow("name").getStringParam()).isEqualTo("ä");
      assertThat(message.getParametersOrThrow("on").getBoolParam()).isTrue();
      assertThat(message.getParametersOrThrow("n").getInt64Param()).isEqualTo(-3);
      assertThat(message.getInputs(0).getShapeList()).containsExactly(1L, 4L);
      assertThat(message.getRawInputContents(0).toByteArray()).containsExactly(2, 3, 4, 5);
      assertThat(message.getOutputs(0).getParametersCount()).isZero();
      assertThat(message.getOutputs(1).getParametersOrThrow("classification").getInt64Param())
          .isEqualTo(3);
    }
  }

  @Test
  void aRequestWithoutPriorityLeavesItToTheModel() throws IOException {
    try (Lease lease = memory.copyOf(PIXELS)) {
      var input = new Tensor("x", DataType.UINT8, Shape.of(6), lease, 0, 6);
      var message =
          ModelInferRequest.parseFrom(bytes(new GrpcRequest(call(-1, 0), List.of(input), 0)));
      assertThat(message.getModelVersion()).isEmpty();
      assertThat(message.getParametersMap()).doesNotContainKeys("priority", "timeout");
    }
  }

  private byte[] response() throws IOException {
    try (Lease lease = memory.copyOf(PIXELS)) {
      var response =
          new InferResponse(
              "m",
              3,
              "id-2",
              Map.of("sequence_id", 7L, "final", true),
              List.of(
                  new Tensor("a", DataType.UINT8, Shape.of(2), lease, 0, 2),
                  new Tensor("b", DataType.INT16, Shape.of(1, 2), lease, 2, 4)),
              List.of(),
              Timings.NONE);
      var out = new ByteArrayOutputStream();
      new GrpcResponse(response).writeTo(out);
      return out.toByteArray();
    }
  }

  @Test
  void anAnswerIsAViewOfItsBytes() throws IOException {
    try (var read = new GrpcResponseReader().read(memory.copyOf(response()))) {
      assertThat(read.model()).isEqualTo("m");
      assertThat(read.version()).isEqualTo(3);
      assertThat(read.id()).isEqualTo("id-2");
      assertThat(read.parameters()).isEqualTo(Map.of("sequence_id", 7L, "final", true));
      assertThat(read.output("b").type()).isEqualTo(DataType.INT16);
      assertThat(read.output("b").shape()).isEqualTo(Shape.of(1, 2));
      byte[] content = new byte[4];
      read.output("b").bytes().get(content);
      assertThat(content).containsExactly(3, 4, 5, 6);
      assertThat(memory.openLeases()).isEqualTo(1);
    }
  }

  @Test
  void anAnswerCutAnywhereIsRefusedOrReadAndNeverForgotten() throws IOException {
    byte[] whole = response();
    var reader = new GrpcResponseReader();
    for (int length = 0; length < whole.length; length++) {
      Lease cut = memory.copyOf(Arrays.copyOf(whole, length));
      try {
        reader.read(cut).close();
      } catch (FaultException e) {
        assertThat(e.failure().fault()).isEqualTo(Fault.BACKEND_FAILED);
      }
      assertThat(memory.openLeases()).isZero();
    }
  }

  @Test
  void aDamagedAnswerIsRefusedOrReadAndNeverForgotten() throws IOException {
    byte[] whole = response();
    var reader = new GrpcResponseReader();
    Random random = new Random(19);
    for (int round = 0; round < 2000; round++) {
      Lease damaged = memory.copyOf(Damage.of(whole, random, "\0", "\n\u007f", "2"));
      try (var read = reader.read(damaged)) {
        read.outputs().forEach(output -> assertThat(output.bytes().remaining()).isNotNegative());
      } catch (FaultException e) {
        assertThat(e.failure().fault()).as("round %d", round).isEqualTo(Fault.BACKEND_FAILED);
      }
      assertThat(memory.openLeases()).as("round %d", round).isZero();
    }
  }

  @Test
  void anAnswerWithTypedContentsIsRefused() {
    byte[] typed =
        ModelInferResponse.newBuilder()
            .setModelName("m")
            .addOutputs(
                ModelInferResponse.InferOutputTensor.newBuilder()
                    .setName("a")
                    .setDatatype("FP32")
                    .addShape(1))
            .build()
            .toByteArray();
    assertThatThrownBy(() -> new GrpcResponseReader().read(memory.copyOf(typed)))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("1 outputs with 0 raw contents");
  }
}
