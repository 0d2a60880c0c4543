package dev.nereid.jmh;

import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.Reply;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.engine.Engine;
import dev.nereid.engine.EngineOptions;
import dev.nereid.telemetry.Metrics;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What dynamic batching saves where no transport is paid for: the MLP of {@code benchmarks/models}
 * in the engine, 64 requests in flight, per request. Pinned to one core, time is processor time.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 6, time = 1)
@Measurement(iterations = 6, time = 1)
@Fork(1)
public class BatchingBenchmark {
  private static final int IN_FLIGHT = 64;
  private static final Shape INPUT = Shape.of(1, 64);
  private static final int INPUT_BYTES = 64 * Float.BYTES;

  /** Whether the model's configuration has {@code dynamic_batching { }}. */
  @Param({"true", "false"})
  boolean batching = true;

  private @Nullable Served served;

  /** An engine, the repository that was made for it, and what every request asks. */
  private record Served(Engine engine, Path repository, Lease input) {}

  /** Counts the answers of one round. */
  private record Counted(CountDownLatch left) implements Reply {
    @Override
    public void respond(InferResponse response) {
      response.close();
      left.countDown();
    }

    @Override
    public void fail(Failure failure) {
      throw new IllegalStateException(failure.message());
    }
  }

  /** Opens a repository with just that model. */
  @Setup
  public void open() throws IOException {
    Path source = home().resolve("benchmarks/models/mlp");
    Path repository = Files.createTempDirectory("batching");
    Path model = Files.createDirectories(repository.resolve("mlp"));
    Files.createSymbolicLink(model.resolve("1"), source.resolve("1"));
    String config = Files.readString(source.resolve("config.pbtxt"));
    Files.writeString(
        model.resolve("config.pbtxt"),
        batching ? config : config.replace("dynamic_batching { }", ""));
    Engine engine = Engine.open(EngineOptions.of(repository), new Metrics());
    var _ = engine.started().join();
    Lease input = engine.memory().take(INPUT_BYTES);
    Random random = new Random(1);
    ByteBuffer numbers = input.bytes();
    while (numbers.hasRemaining()) {
      numbers.putFloat(random.nextFloat());
    }
    served = new Served(engine, repository, input);
  }

  /** The checkout, from whichever of its folders the benchmark is started in. */
  private static Path home() {
    Path home = Path.of("").toAbsolutePath();
    while (home != null && !Files.isDirectory(home.resolve("benchmarks/models"))) {
      home = home.getParent();
    }
    if (home == null) {
      throw new IllegalStateException(
          "benchmarks/models: not found (expected: in a parent folder)");
    }
    return home;
  }

  /** Ends the engine. */
  @TearDown
  public void close() throws IOException {
    Served ending = Objects.requireNonNull(served, "opened");
    ending.input.close();
    ending.engine.close();
    Path repository = ending.repository;
    Path model = repository.resolve("mlp");
    for (Path path :
        List.of(model.resolve("1"), model.resolve("config.pbtxt"), model, repository)) {
      Files.delete(path);
    }
  }

  /** All of them come in one turn of an event loop, and all are answered before the next. */
  @Benchmark
  @OperationsPerInvocation(IN_FLIGHT)
  public long sixtyFourInFlight() throws InterruptedException {
    Served asked = Objects.requireNonNull(served, "opened");
    CountDownLatch left = new CountDownLatch(IN_FLIGHT);
    Counted reply = new Counted(left);
    List<InferRequest> requests = new ArrayList<>(IN_FLIGHT);
    for (int i = 0; i < IN_FLIGHT; i++) {
      Lease share = asked.input.share();
      Tensor tensor = new Tensor("x", DataType.FP32, INPUT, share, 0, INPUT_BYTES);
      requests.add(
          new InferRequest(
              InferRequest.Call.of("mlp", -1), List.of(tensor), List.of(share), reply));
    }
    asked.engine.inferInline(requests);
    left.await();
    return left.getCount();
  }
}
