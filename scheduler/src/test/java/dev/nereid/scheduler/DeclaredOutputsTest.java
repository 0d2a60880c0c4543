package dev.nereid.scheduler;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.config.ConfigText;
import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class DeclaredOutputsTest {
  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final Lease lease = memory.take(64);

  @AfterEach
  void giveBack() {
    lease.close();
    memory.close();
  }

  private static DeclaredOutputs declared(int maxBatchSize) {
    return new DeclaredOutputs(
        ConfigText.parse(
            """
            name: "m" max_batch_size: %d
            output { name: "y" data_type: TYPE_FP32 dims: [ 2, -1 ] }
            output { name: "s" data_type: TYPE_INT32 dims: [ 2 ] is_shape_tensor: true }
            """
                .formatted(maxBatchSize),
            "x"));
  }

  private Tensor tensor(String name, DataType type, long... dims) {
    return new Tensor(name, type, Shape.of(dims), lease, 0, 24);
  }

  @Test
  void whatIsDeclaredMayGoOn() {
    assertThat(declared(0).misfit(List.of(tensor("y", DataType.FP32, 2, 3)))).isNull();
    assertThat(declared(4).misfit(List.of(tensor("y", DataType.FP32, 1, 2, 3)))).isNull();
    assertThat(declared(4).misfit(List.of(tensor("y", DataType.FP32, 3, 2, 1)))).isNull();
    assertThat(declared(4).misfit(List.of())).isNull();
    Tensor shape = new Tensor("s", DataType.INT32, Shape.of(2), lease, 0, 8);
    assertThat(declared(4).misfit(List.of(shape))).as("without a batch dimension").isNull();
  }

  @ParameterizedTest
  @CsvSource({"FP32, 3, 2", "FP32, 6, 1", "INT32, 2, 3", "FP32, 1, 6"})
  void whatIsNotIsToldWithBoth(DataType type, long first, long second) {
    Failure misfit =
        Objects.requireNonNull(declared(0).misfit(List.of(tensor("y", type, first, second))));
    assertThat(misfit.fault()).isEqualTo(Fault.BACKEND_FAILED);
    assertThat(misfit.message())
        .contains("output 'y'", type + " ", "[" + first + "," + second + "]", "FP32 [2,-1]");
  }

  @Test
  void aBatchNeedsItsDimension() {
    assertThat(declared(4).misfit(List.of(tensor("y", DataType.FP32, 2, 3)))).isNotNull();
    assertThat(declared(0).misfit(List.of(tensor("y", DataType.FP32, 1, 2, 3)))).isNotNull();
  }
}
