package com.example.embedded;

import dev.nereid.core.Shape;
import dev.nereid.engine.EmbeddedEngine;
import dev.nereid.engine.Inference;
import dev.nereid.engine.LoadReport;
import dev.nereid.engine.ModelStatistics;
import dev.nereid.engine.TensorData;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** Serves the models of a repository inside this program and asks one of them. */
public final class Main {
  private Main() {}

  /** Takes the repository's folder; {@code models} without one. */
  public static void main(String[] arguments) throws InterruptedException {
    Path repository = Path.of(arguments.length == 0 ? "models" : arguments[0]);
    try (EmbeddedEngine models = EmbeddedEngine.open(repository)) {
      LoadReport report = models.awaitLoaded(Duration.ofMinutes(1));
      report.entries().forEach(entry -> System.out.println(entry.model() + ": " + entry.state()));

      Inference.Result one = models.infer(sumOf(1, 10)).join();
      System.out.println("SUM " + Arrays.toString(one.output("SUM").floats()));
      System.out.println("DIFFERENCE " + Arrays.toString(one.output("DIFFERENCE").floats()));

      // Requests that come side by side share executions.
      List<CompletableFuture<Inference.Result>> many =
          IntStream.range(0, 100).mapToObj(i -> models.infer(sumOf(i, 100))).toList();
      many.forEach(CompletableFuture::join);

      ModelStatistics counted = models.statistics("addsub").getFirst();
      System.out.println(
          counted.inferenceCount() + " inferences in " + counted.executionCount() + " executions");
    }
  }

  private static Inference sumOf(float left, float right) {
    Shape oneRow = Shape.of(1, 3);
    return Inference.of(
            "addsub",
            TensorData.floats("LEFT", oneRow, left, left, left),
            TensorData.floats("RIGHT", oneRow, right, right, right))
        .withTimeout(Duration.ofSeconds(5));
  }
}
