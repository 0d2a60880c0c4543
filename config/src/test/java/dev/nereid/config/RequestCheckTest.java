package dev.nereid.config;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.Fault;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Reply;
import dev.nereid.core.RequestedOutput;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

final class RequestCheckTest {
  private static final ModelSpec BATCHING =
      spec(
          """
          max_batch_size: 8
          input [ { name: 'a' data_type: TYPE_FP32 dims: [ -1, 2 ] }, { name: 'b' data_type: TYPE_STRING dims: 2 } ]
          output { name: 'y' data_type: TYPE_FP32 dims: 1 }
          """);
  private static final ModelSpec PLAIN =
      spec("input { name: 'a' data_type: TYPE_INT16 dims: [ 2, 3 ] }");
  private static final ModelSpec OPTIONAL =
      spec(
          """
          max_batch_size: 8
          input [ { name: 'a' data_type: TYPE_INT8 dims: 1 }, { name: 'b' data_type: TYPE_INT8 dims: 1 optional: true } ]
          """);

  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final List<Lease> leases = new ArrayList<>();
  private final List<Tensor> inputs = new ArrayList<>();
  private final List<RequestedOutput> outputs = new ArrayList<>();

  @AfterEach
  void everyLeaseIsClosed() {
    leases.forEach(Lease::close);
    assertThat(memory.openLeases()).isZero();
    memory.close();
  }

  @Test
  void aSoundRequestPassesInAnyOrder() {
    input("b", DataType.BYTES, strings("x", "", "yz", "w"), 2, 2);
    input("a", DataType.FP32, new byte[2 * 3 * 2 * 4], 2, 3, 2);
    outputs.add(new RequestedOutput("y", 0));
    assertThat(check(BATCHING)).isNull();
  }

  @Test
  void aModelWithoutBatchDimensionTakesWholeShapes() {
    input("a", DataType.INT16, new byte[12], 2, 3);
    assertThat(check(PLAIN)).isNull();
  }

  @Test
  void tooFewInputsAreNamed() {
    input("a", DataType.FP32, new byte[8], 1, 1, 2);
    assertRefused(
        BATCHING,
        "expected 2 inputs but got 1 inputs for model 'm'. Got input(s) ['a'], but missing required"
            + " input(s) ['b']");
  }

  @Test
  void optionalInputsMayBeLeftOutAndOthersNot() {
    input("a", DataType.INT8, new byte[1], 1, 1);
    assertThat(check(OPTIONAL)).isNull();
    inputs.clear();
    assertRefused(OPTIONAL, "expected number of inputs between 1 and 2 but got 0 inputs");
    input("b", DataType.INT8, new byte[1], 1, 1);
    assertRefused(OPTIONAL, "Got input(s) ['b'], but missing required input(s) ['a']");
  }

  @Test
  void unknownAndRepeatedInputsAreRefused() {
    input("a", DataType.FP32, new byte[8], 1, 1, 2);
    input("c", DataType.FP32, new byte[8], 1, 1, 2);
    assertRefused(BATCHING, "unexpected inference input 'c' for model 'm'");
    inputs.removeLast();
    input("a", DataType.FP32, new byte[8], 1, 1, 2);
    assertRefused(BATCHING, "input 'a' already exists in request");
    input("b", DataType.BYTES, strings("x", "y"), 1, 2);
    assertRefused(BATCHING, "input 'a' already exists in request");
  }

  @Test
  void repeatedInputsAreFoundAmongManyToo() {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 70; i++) {
      text.append("input { name: 'i").append(i).append("' data_type: TYPE_INT8 dims: 1 } ");
      input("i" + i, DataType.INT8, new byte[1], 1);
    }
    ModelSpec many = spec(text.toString());
    assertThat(check(many)).isNull();
    inputs.removeLast();
    input("i66", DataType.INT8, new byte[1], 1);
    assertRefused(many, "input 'i66' already exists in request");
  }

  @Test
  void theElementTypeMustBeTheModels() {
    input("a", DataType.FP16, new byte[12], 2, 3);
    assertRefused(PLAIN, "inference input 'a' data-type is 'FP16', but model 'm' expects 'INT16'");
  }

  @Test
  void aBatchingModelNeedsOneBatchSize() {
    input("a", DataType.FP32, new byte[4]);
    input("b", DataType.BYTES, strings("x", "y"), 1, 2);
    assertRefused(BATCHING, "input 'a' has no shape but model requires batch dimension for 'm'");
    inputs.removeFirst();
    input("a", DataType.FP32, new byte[16], 2, 1, 2);
    assertRefused(BATCHING, "input 'a' batch size does not match other inputs for 'm'");
  }

  @Test
  void theBatchMustFit() {
    input("a", DataType.INT8, new byte[9], 9, 1);
    assertRefused(OPTIONAL, "inference request batch-size must be <= 8 for 'm', got 9");
    inputs.clear();
    input("a", DataType.INT8, new byte[0], 0, 1);
    assertRefused(OPTIONAL, "inference request batch-size must be <= 8 for 'm' and at least 1");
  }

  @Test
  void dimensionsMustBeSizes() {
    input("a", DataType.INT8, new byte[1], -1, 1);
    assertRefused(OPTIONAL, "All input dimensions should be specified for input 'a'");
  }

  @Test
  void aWrongShapeShowsBothAndHints() {
    input("a", DataType.INT8, new byte[3], 1, 3);
    assertRefused(
        OPTIONAL, "unexpected shape for input 'a' for model 'm'. Expected [-1,1], got [1,3]");
    inputs.clear();
    input("a", DataType.INT8, new byte[1], 1);
    assertRefused(OPTIONAL, "The batch dimension is missing: max_batch_size is 8");
    inputs.clear();
    input("a", DataType.INT16, new byte[12], 1, 2, 3);
    assertRefused(PLAIN, "Expected [2,3], got [1,2,3]. There is one dimension too many");
  }

  @Test
  void bytesMustBeAsManyAsTheShapeSays() {
    input("a", DataType.INT16, new byte[11], 2, 3);
    assertRefused(
        PLAIN, "input byte size mismatch for input 'a' for model 'm'. Expected 12, got 11");
  }

  @Test
  void aShapeBeyondAllBoundsIsAMismatchToo() {
    ModelSpec free = spec("input { name: 'a' data_type: TYPE_INT64 dims: [ -1, -1, -1 ] }");
    input("a", DataType.INT64, new byte[8], Long.MAX_VALUE, Long.MAX_VALUE, 3);
    assertRefused(free, "input byte size mismatch for input 'a' for model 'm'. Expected ");
    inputs.clear();
    input("a", DataType.INT64, new byte[0], Long.MAX_VALUE, 0, 3);
    assertThat(check(free)).isNull();
  }

  @Test
  void stringsAreWalked() {
    assertString(new byte[] {1, 0, 0, 0, 'x', 9}, "incomplete string length indicator");
    assertString(strings("x", "y", "z"), "unexpected number of string elements 3");
    assertString(strings("x"), "expected 2 string elements for inference input 'b'");
    assertString(new byte[0], "expected 2 string elements for inference input 'b'");
    assertString(new byte[] {9, 0, 0, 0, 'x'}, "incomplete string data");
    assertString(new byte[] {-1, -1, -1, -1}, "expecting a string of 4294967295 bytes");
  }

  private void assertString(byte[] content, String fragment) {
    inputs.clear();
    input("a", DataType.FP32, new byte[8], 1, 1, 2);
    input("b", DataType.BYTES, content, 1, 2);
    assertRefused(BATCHING, fragment);
  }

  @Test
  void aShapeTensorHasNoBatchDimension() {
    ModelSpec shaped =
        spec(
            """
            max_batch_size: 8
            input [ { name: 's' data_type: TYPE_INT32 dims: 2 is_shape_tensor: true }, { name: 'a' data_type: TYPE_INT8 dims: 1 } ]
            """);
    input("s", DataType.INT32, new byte[8], 2);
    input("a", DataType.INT8, new byte[4], 4, 1);
    assertThat(check(shaped)).isNull();
  }

  @Test
  void anUnknownOutputIsRefused() {
    input("a", DataType.INT8, new byte[1], 1, 1);
    outputs.add(new RequestedOutput("z", 0));
    assertRefused(OPTIONAL, "unexpected inference output 'z' for model 'm'");
  }

  @Test
  void aSoundRequestCostsNoHeap() {
    input("b", DataType.INT8, new byte[4], 4, 1);
    input("a", DataType.INT8, new byte[4], 4, 1);
    InferRequest request = request("");
    var thread = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long before = 0;
    for (int i = 0; i < 11_000; i++) {
      if (i == 1_000) {
        before = thread.getCurrentThreadAllocatedBytes();
      }
      assertSound(RequestCheck.check(OPTIONAL, request));
    }
    long allocated = thread.getCurrentThreadAllocatedBytes() - before;
    assertThat(allocated).as("bytes for 10,000 checks").isLessThan(10_000);
  }

  private static void assertSound(@Nullable Failure failure) {
    if (failure != null) {
      throw new AssertionError(failure.message());
    }
  }

  @Test
  void theCallersIdGoesFirst() {
    Failure failure = requireNonNull(RequestCheck.check(PLAIN, request("r-1")));
    assertThat(failure.message()).startsWith("[request id: r-1] expected 1 inputs");
  }

  private void assertRefused(ModelSpec spec, String fragment) {
    Failure failure = requireNonNull(check(spec), "accepted, though: " + fragment);
    assertThat(failure.fault()).isEqualTo(Fault.INVALID_ARGUMENT);
    assertThat(failure.message()).startsWith("[request id: <id_unknown>] ").contains(fragment);
  }

  private @Nullable Failure check(ModelSpec spec) {
    return RequestCheck.check(spec, request(""));
  }

  private InferRequest request(String id) {
    InferRequest.Call call =
        new InferRequest.Call("m", -1, id, Map.of(), List.copyOf(outputs), 0, 0, 0, Long.MAX_VALUE);
    return new InferRequest(call, List.copyOf(inputs), List.of(), new NoReply());
  }

  private void input(String name, DataType type, byte[] content, long... dims) {
    Lease lease = memory.copyOf(content);
    leases.add(lease);
    inputs.add(new Tensor(name, type, Shape.of(dims), lease, 0, content.length));
  }

  private static byte[] strings(String... elements) {
    var bytes = new java.io.ByteArrayOutputStream();
    for (String element : elements) {
      bytes.write(element.length());
      bytes.writeBytes(new byte[3]);
      bytes.writeBytes(element.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
    return bytes.toByteArray();
  }

  private static ModelSpec spec(String text) {
    return ModelSpec.of(ConfigText.parse("name: 'm' backend: 'identity' " + text, "x"));
  }

  private static final class NoReply implements Reply {
    @Override
    public void respond(InferResponse response) {
      response.close();
    }

    @Override
    public void fail(Failure failure) {}
  }
}
