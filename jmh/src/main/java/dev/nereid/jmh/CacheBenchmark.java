package dev.nereid.jmh;

import dev.nereid.backend.Batch;
import dev.nereid.backend.Instance;
import dev.nereid.backend.Model;
import dev.nereid.backend.Placement;
import dev.nereid.config.ConfigText;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.DataType;
import dev.nereid.core.Failure;
import dev.nereid.core.InferRequest;
import dev.nereid.core.InferResponse;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Reply;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import dev.nereid.core.Ticker;
import dev.nereid.scheduler.BatchingScheduler;
import dev.nereid.scheduler.CachingScheduler;
import dev.nereid.scheduler.ExecutionStatistics;
import dev.nereid.scheduler.ResponseCache;
import dev.nereid.scheduler.SchedulerSetup;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What an answer from the response cache costs, from the scheduler's door to the reply, and what
 * SHA-256 over the same input would cost alone. Inputs above 64 KiB change the thread once.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 4, time = 1)
@Measurement(iterations = 4, time = 1)
@Fork(1)
public class CacheBenchmark {
  private static final int OUTPUT_BYTES = 40;

  /** Bytes of the input: an MLP's, the longest that is looked up in place, an image tensor. */
  @Param({"256", "65536", "602112"})
  int bytes = 256;

  private final MemoryPool memory = new MemoryPool(MemoryPool.Limits.DEFAULT);
  private final ResponseCache cache = new ResponseCache(1 << 20, memory, 1);
  private CachingScheduler scheduler = newScheduler();
  private Lease input = memory.take(1);

  /** A model that answers with forty bytes. */
  private static final class Forty implements Model {
    @Override
    public Instance newInstance(Placement placement) {
      return Forty::execute;
    }

    private static void execute(Batch batch) {
      for (int i = 0; i < batch.requests().size(); i++) {
        Lease lease = batch.memory().take(OUTPUT_BYTES);
        Shape shape = Shape.of(OUTPUT_BYTES);
        batch.respond(
            i,
            List.of(new Tensor("OUT", DataType.UINT8, shape, lease, 0, OUTPUT_BYTES)),
            List.of(lease));
      }
    }

    @Override
    public void close() {}
  }

  /** Remembers that it was told. */
  private static final class Told implements Reply {
    volatile boolean told;

    @Override
    public void respond(InferResponse response) {
      response.close();
      told = true;
    }

    @Override
    public void fail(Failure failure) {
      throw new IllegalStateException(failure.message());
    }
  }

  private CachingScheduler newScheduler() {
    ModelConfig config =
        ConfigText.parse(
            "name: \"m\" input { name: \"IN\" data_type: TYPE_UINT8 dims: -1 }"
                + " output { name: \"OUT\" data_type: TYPE_UINT8 dims: 40 }",
            "benchmark");
    var statistics = new ExecutionStatistics("m", 1);
    var inner =
        BatchingScheduler.start(
            new SchedulerSetup(
                config,
                1,
                new Forty(),
                List.of(new Placement("m", 0, Placement.CPU)),
                memory,
                Ticker.system(),
                statistics));
    return new CachingScheduler(inner, config, cache, Ticker.system(), statistics);
  }

  /** Fills the input and has it answered once. */
  @Setup
  public void fill() {
    input.close();
    byte[] content = new byte[bytes];
    new Random(1).nextBytes(content);
    input = memory.copyOf(content);
    var _ = hit();
  }

  /** Ends the model's thread. */
  @TearDown
  public void end() {
    scheduler.close();
    input.close();
    cache.close();
  }

  /** One equal request after another. */
  @Benchmark
  public boolean hit() {
    Told reply = new Told();
    Lease share = input.share();
    Tensor tensor = new Tensor("IN", DataType.UINT8, Shape.of(bytes), share, 0, bytes);
    scheduler.submit(
        List.of(
            new InferRequest(
                InferRequest.Call.of("m", 0), List.of(tensor), List.of(share), reply)));
    while (!reply.told) {
      Thread.onSpinWait();
    }
    return reply.told;
  }

  /** The digest that the cache does not use alone. */
  @Benchmark
  public byte[] sha256() throws NoSuchAlgorithmException {
    MessageDigest digest = MessageDigest.getInstance("SHA-256");
    digest.update(input.bytes());
    return digest.digest();
  }
}
