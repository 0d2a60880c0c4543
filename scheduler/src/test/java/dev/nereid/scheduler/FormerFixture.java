package dev.nereid.scheduler;

import dev.nereid.backend.RecordingReply;
import dev.nereid.backend.TestTensors;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.FakeTicker;
import dev.nereid.core.InferRequest;
import dev.nereid.core.Lease;
import dev.nereid.core.MemoryPool;
import dev.nereid.core.Shape;
import dev.nereid.core.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A queue and its former on a clock that the test moves. */
final class FormerFixture implements AutoCloseable {
  final FakeTicker ticker = new FakeTicker();
  final MemoryPool pool = new MemoryPool(MemoryPool.Limits.DEFAULT);
  final BatchingPolicy policy;
  final RequestQueue queue;
  final BatchFormer former;
  final List<RequestQueue.Dropped> dropped = new ArrayList<>();
  final List<RecordingReply> replies = new ArrayList<>();
  private final List<InferRequest> requests = new ArrayList<>();
  private long sequence;

  FormerFixture(ModelConfig config) {
    policy = BatchingPolicy.of(config);
    queue = new RequestQueue(policy);
    former = new BatchFormer(policy, queue, Compatibility.of(config));
  }

  /** A request of so many rows, named by its place in the order of arrival. */
  Queued arrive(int rows) {
    return arrive(rows, 2, 0, 0);
  }

  Queued arrive(int rows, int dim, long priority, long timeoutMicros) {
    Lease lease = pool.take(rows * dim * 4);
    Tensor input =
        new Tensor(
            "INPUT0", dev.nereid.core.DataType.FP32, Shape.of(rows, dim), lease, 0, rows * dim * 4);
    var reply = new RecordingReply();
    replies.add(reply);
    var call =
        new InferRequest.Call(
            "m",
            -1,
            Long.toString(sequence),
            Map.of(),
            List.of(),
            priority,
            timeoutMicros,
            ticker.nanos(),
            Long.MAX_VALUE);
    var request = new InferRequest(call, List.of(input), List.of(lease), reply);
    requests.add(request);
    long level = policy.levelOf(priority);
    long timeout = policy.queueOf(level).timeoutAt(ticker.nanos(), timeoutMicros);
    return new Queued(request, rows, level, ticker.nanos(), timeout, sequence++);
  }

  /** Adds a request to the queue; false when it is full. */
  boolean add(Queued queued) {
    return queue.add(queued);
  }

  /** Adds requests of these sizes. */
  FormerFixture add(int... rows) {
    for (int each : rows) {
      add(arrive(each));
    }
    return this;
  }

  BatchFormer.Decision next() {
    return former.next(ticker.nanos(), dropped);
  }

  /** The sizes of the requests to run now; empty to wait. */
  List<Integer> run() {
    return next() instanceof BatchFormer.Decision.Run(List<Queued> batch)
        ? batch.stream().map(queued -> queued.rows).toList()
        : List.of();
  }

  /** The ids of the requests to run now; empty to wait. */
  List<String> runIds() {
    return next() instanceof BatchFormer.Decision.Run(List<Queued> batch)
        ? batch.stream().map(queued -> queued.request.call().id()).toList()
        : List.of();
  }

  @Override
  public void close() {
    requests.forEach(request -> request.fail(dev.nereid.core.Fault.CANCELLED.with("test over")));
    pool.close();
    if (pool.openLeases() != 0) {
      throw new AssertionError("leases open: " + pool.openLeases());
    }
  }

  static TestTensors tensors(MemoryPool pool) {
    return new TestTensors(pool);
  }
}
