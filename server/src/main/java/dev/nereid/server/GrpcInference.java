package dev.nereid.server;

import dev.nereid.engine.Engine;
import dev.nereid.protocol.GrpcRequestReader;
import dev.nereid.protocol.GrpcResponse;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** ModelInfer: begins a call for each stream. Thread-safe. */
final class GrpcInference implements ServerCallHandler<GrpcBody, GrpcResponse> {
  private final Engine engine;
  private final GrpcRequestReader reader;
  private final CodecThreads codecs;
  private final LoopBatches.OfLoops loops;

  GrpcInference(Engine engine, CodecThreads codecs, LoopBatches.OfLoops loops) {
    this.engine = engine;
    this.codecs = codecs;
    this.loops = loops;
    reader = new GrpcRequestReader(engine.memory());
  }

  @Override
  public ServerCall.Listener<GrpcBody> startCall(
      ServerCall<GrpcBody, GrpcResponse> call, Metadata headers) {
    long now = engine.ticker().nanos();
    Deadline deadline = Context.current().getDeadline();
    long deadlineNanos =
        deadline == null ? Long.MAX_VALUE : now + deadline.timeRemaining(TimeUnit.NANOSECONDS);
    call.request(2); // one message, and a look at whether there wrongly is a second
    return new GrpcInferCall(this, call, now, deadlineNanos);
  }

  Engine engine() {
    return engine;
  }

  GrpcRequestReader reader() {
    return reader;
  }

  /** The batches of the event loop that asks; null for another thread. */
  @Nullable LoopBatches loop() {
    return loops.current();
  }

  CodecThreads codecs() {
    return codecs;
  }
}
