package dev.nereid.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.DataType;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import dev.nereid.core.Shape;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The engine as programs embed it. */
final class EmbeddedEngineTest {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  @TempDir Path root;

  private interface Check {
    void on(EmbeddedEngine models) throws Exception;
  }

  private void models(Check check) throws Exception {
    EmbeddedEngine opened;
    try (EmbeddedEngine models = EmbeddedEngine.open(root)) {
      opened = models;
      models.awaitLoaded(PATIENCE);
      check.on(models);
    }
    assertThat(opened.engine().memory().openLeases()).isZero();
  }

  private static Inference.Result ask(EmbeddedEngine models, Inference inference) {
    return models.infer(inference).orTimeout(20, TimeUnit.SECONDS).join();
  }

  private static Fault fault(CompletableFuture<Inference.Result> answer) {
    try {
      answer.orTimeout(20, TimeUnit.SECONDS).join();
      throw new AssertionError("answered (expected: a failure)");
    } catch (CompletionException e) {
      if (e.getCause() instanceof FaultException failed) {
        return failed.failure().fault();
      }
      throw e;
    }
  }

  @Test
  void answersManyAtOnceAndCountsThem() throws Exception {
    new ModelFolder(root).identity("id", 2, "dynamic_batching {}");
    models(
        models -> {
          Shape row = Shape.of(1, 2);
          List<CompletableFuture<Inference.Result>> answers =
              IntStream.range(0, 200)
                  .mapToObj(
                      i -> models.infer(Inference.of("id", TensorData.floats("INPUT0", row, i, 1))))
                  .toList();
          for (int i = 0; i < answers.size(); i++) {
            Inference.Result result = answers.get(i).orTimeout(20, TimeUnit.SECONDS).join();
            assertThat(result.version()).isEqualTo(1);
            assertThat(result.output("OUTPUT0").floats()).containsExactly(i, 1);
          }
          assertThat(models.statistics("id").getFirst().inferenceCount()).isEqualTo(200);
          assertThat(models.metrics())
              .contains("nv_inference_request_success{model=\"id\",version=\"1\"} 200\n");
        });
  }

  @Test
  void failuresSayWhatIsWrong() throws Exception {
    new ModelFolder(root).identity("id", 2, "");
    models(
        models -> {
          TensorData three = TensorData.floats("INPUT0", Shape.of(1, 3), 1, 2, 3);
          assertThat(fault(models.infer(Inference.of("id", three))))
              .isEqualTo(Fault.INVALID_ARGUMENT);
          assertThat(fault(models.infer(Inference.of("gone", three)))).isEqualTo(Fault.NOT_FOUND);
          assertThat(fault(models.infer(Inference.of("id", three).withVersion(7))))
              .isEqualTo(Fault.NOT_FOUND);
          TensorData two = TensorData.floats("INPUT0", Shape.of(1, 2), 1, 2);
          assertThat(fault(models.infer(Inference.of("id", two).withOutputs("NONE"))))
              .isEqualTo(Fault.INVALID_ARGUMENT);
          assertThatThrownBy(() -> ask(models, Inference.of("id", two)).output("NONE"))
              .hasMessage("output: 'NONE' (expected: one of [OUTPUT0])");
        });
  }

  @Test
  void whatIsCancelledOrLateDoesNotRun() throws Exception {
    new ModelFolder(root)
        .model(
            "slow",
            """
            backend: "delay"
            max_batch_size: 1
            input { name: "INPUT0" data_type: TYPE_FP32 dims: [ 1 ] }
            output { name: "OUTPUT0" data_type: TYPE_FP32 dims: [ 1 ] }
            instance_group { count: 1 }
            """);
    models(
        models -> {
          Inference quick =
              Inference.of("slow", TensorData.floats("INPUT0", Shape.of(1, 1), 1))
                  .withParameters(Map.of("delay_ms", 0L));
          Inference busy = quick.withParameters(Map.of("delay_ms", 300L));
          CompletableFuture<Inference.Result> running = models.infer(busy);
          CompletableFuture<Inference.Result> cancelled = models.infer(quick);
          CompletableFuture<Inference.Result> late =
              models.infer(quick.withTimeout(Duration.ofMillis(20)));
          assertThat(cancelled.cancel(true)).isTrue();
          assertThat(fault(late)).isEqualTo(Fault.DEADLINE_EXCEEDED);
          running.orTimeout(20, TimeUnit.SECONDS).join();
          ask(models, quick);
          assertThat(models.statistics("slow").getFirst().executionCount()).isEqualTo(2);
        });
  }

  @Test
  void everyKindOfValueComesBackAsItWas() {
    Shape two = Shape.of(2);
    assertThat(TensorData.doubles("t", two, 1, -2).doubles()).containsExactly(1, -2);
    assertThat(TensorData.ints("t", two, 1, -2).ints()).containsExactly(1, -2);
    assertThat(TensorData.longs("t", two, 1, -2).longs()).containsExactly(1, -2);
    assertThat(TensorData.texts("t", two, "", "\u00e4").texts()).containsExactly("", "\u00e4");
    assertThatThrownBy(() -> TensorData.ints("t", two, 1))
        .hasMessage("tensor 't': 4 bytes (expected: 8, for INT32 [2])");
    assertThatThrownBy(() -> TensorData.ints("t", two, 1, 2).floats())
        .hasMessage("tensor 't': INT32 (expected: FP32)");
    assertThatThrownBy(
            () -> new TensorData("t", DataType.UINT8, Shape.of(-1), ByteBuffer.allocate(1)))
        .hasMessageContaining("no free dimension");
  }

  @Test
  void theExampleRuns() throws Exception {
    Path example = Path.of("..", "examples", "embedded-engine");
    Path jar = root.resolve("example.jar");
    new JarMaker(root)
        .jar(jar, "", List.of(example.resolve("src/main/java/com/example/embedded/Main.java")));
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    PrintStream before = System.out;
    try (URLClassLoader loader = new URLClassLoader(new URL[] {jar.toUri().toURL()});
        PrintStream out = new PrintStream(text, true, StandardCharsets.UTF_8)) {
      System.setOut(out);
      loader
          .loadClass("com.example.embedded.Main")
          .getMethod("main", String[].class)
          .invoke(null, (Object) new String[] {example.resolve("models").toString()});
    } finally {
      System.setOut(before);
    }
    assertThat(text.toString(StandardCharsets.UTF_8))
        .contains("addsub: READY", "SUM [11.0, 11.0, 11.0]", "DIFFERENCE [-9.0, -9.0, -9.0]")
        .contains("101 inferences in ");
  }
}
