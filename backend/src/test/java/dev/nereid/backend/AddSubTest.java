package dev.nereid.backend;

import static dev.nereid.backend.TestTensors.floatsOf;
import static dev.nereid.backend.TestTensors.rawOf;
import static dev.nereid.backend.TestTensors.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.config.proto.ModelConfig;
import dev.nereid.config.proto.ModelInput;
import dev.nereid.config.proto.ModelOutput;
import dev.nereid.core.DataType;
import dev.nereid.core.FaultException;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

final class AddSubTest {
  private final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final TestTensors tensors = new TestTensors(pool);
  private final TestRunner runner = new TestRunner(pool, true);

  @AfterEach
  void leavesNoLeaseOpen() {
    assertThat(pool.openLeases()).isZero();
  }

  private Model open(ModelConfig config) {
    Path nowhere = Path.of("addsub");
    return new AddSubProvider()
        .open(new ModelContext(config, 1, new ModelFiles(nowhere, nowhere), Map.of(), pool, 1));
  }

  private static ModelConfig config(int outputs) {
    ModelConfig.Builder config =
        ModelConfig.newBuilder()
            .setName("m")
            .setMaxBatchSize(4)
            .addInput(ModelInput.newBuilder().setName("INPUT0"))
            .addInput(ModelInput.newBuilder().setName("INPUT1"));
    for (int i = 0; i < outputs; i++) {
      config.addOutput(ModelOutput.newBuilder().setName("OUTPUT" + i));
    }
    return config.build();
  }

  @Test
  void addsAndSubtractsAcrossRequests() {
    try (Model model = open(config(2));
        Instance instance = model.newInstance(new Placement("g", 0, -1));
        var one = new RecordingReply();
        var two = new RecordingReply()) {
      runner.run(
          instance,
          request(
              one,
              tensors.floats("INPUT0", Shape.of(1, 2), 1, 2),
              tensors.floats("INPUT1", Shape.of(1, 2), 10, 20)),
          request(
              two,
              tensors.floats("INPUT0", Shape.of(2, 2), 3, 4, 5, 6),
              tensors.floats("INPUT1", Shape.of(2, 2), 30, 40, 50, 60)));
      assertThat(floatsOf(one.response().output("OUTPUT0"))).containsExactly(11, 22);
      assertThat(floatsOf(one.response().output("OUTPUT1"))).containsExactly(-9, -18);
      assertThat(floatsOf(two.response().output("OUTPUT0"))).containsExactly(33, 44, 55, 66);
      assertThat(floatsOf(two.response().output("OUTPUT1"))).containsExactly(-27, -36, -45, -54);
    }
  }

  @ParameterizedTest
  @EnumSource(
      names = {"BOOL", "BYTES"},
      mode = EnumSource.Mode.EXCLUDE)
  void knowsEveryNumericType(DataType type) {
    byte[] three = encode(type, 3);
    try (Model model = open(config(1));
        Instance instance = model.newInstance(new Placement("g", 0, -1));
        var reply = new RecordingReply()) {
      runner.run(
          instance,
          request(
              reply,
              tensors.raw("INPUT0", type, Shape.of(1, 1), three),
              tensors.raw("INPUT1", type, Shape.of(1, 1), encode(type, 4))));
      Tensor sum = reply.response().output("OUTPUT0");
      assertThat(sum.type()).isEqualTo(type);
      assertThat(rawOf(sum)).isEqualTo(encode(type, 7));
    }
  }

  private static byte[] encode(DataType type, int value) {
    ByteBuffer bytes = ByteBuffer.allocate(type.byteSize()).order(ByteOrder.LITTLE_ENDIAN);
    switch (type) {
      case FP16 -> bytes.putShort(Float.floatToFloat16(value));
      case BF16 -> bytes.putShort((short) (Float.floatToRawIntBits(value) >>> Short.SIZE));
      case FP32 -> bytes.putFloat(value);
      case FP64 -> bytes.putDouble(value);
      default -> bytes.put(0, (byte) value);
    }
    return bytes.array();
  }

  @Test
  void refusesTypesWithoutSums() {
    try (Model model = open(config(1));
        Instance instance = model.newInstance(new Placement("g", 0, -1));
        var reply = new RecordingReply()) {
      runner.run(
          instance,
          request(
              reply,
              tensors.texts("INPUT0", Shape.of(1, 1), "1"),
              tensors.texts("INPUT1", Shape.of(1, 1), "2")));
      assertThat(reply.failure().message()).isEqualTo("addsub: BYTES (expected: a numeric type)");
    }
  }

  @Test
  void refusesAConfigurationWithoutTwoInputs() {
    assertThatThrownBy(() -> open(config(3)))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("2 inputs and 3 outputs (expected: 2 inputs, and 1 or 2 outputs)");
  }
}
