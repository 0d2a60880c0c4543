package dev.nereid.backend.onnx;

import static dev.nereid.backend.TestTensors.request;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestRunner;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** Native memory, which no heap dump shows, does not grow. */
final class OnnxMemoryTest extends OnnxFixture {
  private static final long ALLOWED_KIB = 10 * 1024;
  private static final int WIDTH = 64 * 1024;

  private final TestRunner runner = new TestRunner(pool, true);

  private void execute(Instance instance, Tensor input) {
    try (var reply = new RecordingReply()) {
      runner.run(instance, request(reply, input));
      assertThat(reply.await().isDone()).isTrue();
    }
  }

  /** A leak of one output of 256 KiB per execution would show as 1.2 GiB. */
  @Test
  void fiveThousandExecutionsLeaveMemoryAsItWas() {
    assumeTrue(NativeHeap.isKnown(), "not glibc");
    Instance numbers = instance(TinyOnnx.twice(DataType.FP32, "batch", "width"), named("numbers"));
    byte[] zeros = new byte[WIDTH * Float.BYTES];
    Shape shape = Shape.of(1, WIDTH);
    for (int i = 0; i < 200; i++) {
      execute(numbers, tensors.raw("INPUT0", DataType.FP32, shape, zeros));
    }
    long before = NativeHeap.usedKib();
    for (int i = 0; i < 5000; i++) {
      execute(numbers, tensors.raw("INPUT0", DataType.FP32, shape, zeros));
    }
    requireFlat(before);
  }

  /** A leak of the strings of one execution would show as 15 MiB, of a failure as much. */
  @Test
  void stringsAndFailuresLeaveMemoryAsItWas() {
    assumeTrue(NativeHeap.isKnown(), "not glibc");
    TinyOnnx onnx =
        new TinyOnnx()
            .input("text", DataType.BYTES, "n")
            .output("same", DataType.BYTES, "n")
            .output("number", DataType.INT64, "n")
            .node("Identity", List.of("text"), List.of("same"))
            .node("Cast", List.of("text"), "number", "to", ElementTypes.numberOf(DataType.INT64));
    Instance texts = instance(onnx, named("texts"));
    String digits = "0".repeat(60) + "7";
    String words = "x".repeat(100);
    for (int i = 0; i < 200; i++) {
      execute(texts, tensors.texts("text", Shape.of(2), digits, words));
    }
    long before = NativeHeap.usedKib();
    String[] many = new String[20];
    Arrays.fill(many, digits);
    for (int i = 0; i < 10_000; i++) {
      many[19] = i % 2 == 0 ? digits : words;
      execute(texts, tensors.texts("text", Shape.of(many.length), many));
    }
    requireFlat(before);
  }

  /** A leak of the weights of one model would show as 400 MiB. */
  @Test
  void loadingAndUnloadingLeavesMemoryAsItWas() {
    assumeTrue(NativeHeap.isKnown(), "not glibc");
    float[] weights = new float[2 * 1024 * 1024];
    TinyOnnx onnx =
        new TinyOnnx()
            .input("x", DataType.FP32, "batch", 1024)
            .output("y", DataType.FP32, "batch", 2048)
            .floats("weights", new long[] {1024, 2048}, weights)
            .node("MatMul", List.of("x", "weights"), List.of("y"));
    for (int i = 0; i < 5; i++) {
      loadRunUnload(onnx);
    }
    long before = NativeHeap.usedKib();
    for (int i = 0; i < 50; i++) {
      loadRunUnload(onnx);
    }
    requireFlat(before);
  }

  private void loadRunUnload(TinyOnnx onnx) {
    ModelConfig.Builder declared = named("weights");
    try (Model model = model(onnx, declared);
        Instance instance = model.newInstance(new Placement("group", 0, -1))) {
      Shape shape = Shape.of(1, 1024);
      execute(instance, tensors.raw("x", DataType.FP32, shape, new byte[1024 * Float.BYTES]));
    }
  }

  /**
   * What the JVM's compilers have in use while they work is in the figure too, and comes and goes;
   * a leak stays. So the least of some seconds counts.
   */
  private static void requireFlat(long beforeKib) {
    long end = System.nanoTime() + Duration.ofSeconds(10).toNanos();
    long growth = NativeHeap.usedKib() - beforeKib;
    while (growth >= ALLOWED_KIB && System.nanoTime() < end) {
      LockSupport.parkNanos(Duration.ofMillis(20).toNanos());
      growth = Math.min(growth, NativeHeap.usedKib() - beforeKib);
    }
    assertThat(growth).as("growth in KiB").isLessThan(ALLOWED_KIB);
  }
}
