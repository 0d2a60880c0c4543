package dev.nereid.scheduler;

import dev.nereid.core.InferRequest;

/** A request waiting in a model's queue. Guarded by the queue's lock. */
final class Queued {
  final InferRequest request;
  final int rows;

  /** Of all its inputs together. */
  final long bytes;

  final long level;
  final long queuedNanos;
  final long timeoutNanos;

  /** Position among all requests of the model, for answers in order. */
  final long sequence;

  /** Whether its time is over and it waits behind the others. */
  boolean delayed;

  Queued(
      InferRequest request,
      int rows,
      long level,
      long queuedNanos,
      long timeoutNanos,
      long sequence) {
    this.request = request;
    this.rows = rows;
    bytes = request.inputBytes();
    this.level = level;
    this.queuedNanos = queuedNanos;
    this.timeoutNanos = timeoutNanos;
    this.sequence = sequence;
  }
}
