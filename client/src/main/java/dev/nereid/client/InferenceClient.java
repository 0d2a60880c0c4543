package dev.nereid.client;

import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Asks a server that speaks the v2 protocol.
 *
 * <p><b>Threading.</b> Safe for any number of threads. {@link #infer} and {@link #send} never
 * block; their outcomes arrive on event loops. Everything else waits for the server's answer, for a
 * few seconds at most, and must not be called from an event loop.
 *
 * <p><b>Errors.</b> Whatever prevents an answer is a {@link CallFailure}: given to the receiver, or
 * inside an {@link InferenceException}.
 */
public interface InferenceClient extends AutoCloseable {

  /** Sends the call; cancelling the future withdraws it. */
  CompletableFuture<InferResult> infer(InferCall call);

  /**
   * The call in this protocol's bytes, for sending many times. Its timeout is part of it only where
   * the protocol carries one as bytes.
   */
  EncodedCall encode(InferCall call);

  /**
   * Sends an encoded call at the lowest cost.
   *
   * @param lane calls of one lane share a connection where the protocol multiplexes, and an event
   *     loop in any case; any number
   * @param timeoutNanos 0 for none
   */
  InFlight send(EncodedCall call, int lane, long timeoutNanos, Receiver receiver);

  /**
   * The result that a reply's bytes stand for, in memory of its own.
   *
   * @throws InferenceException of kind MALFORMED
   */
  InferResult decode(RawReply reply);

  /** Connections open now. */
  int connections();

  /** Whether the server's process answers. */
  boolean isLive();

  /** Whether the server and all its models can serve. */
  boolean isReady();

  /** Whether that model can serve; false when there is none. */
  boolean isModelReady(String model);

  /** What the server says of itself. */
  ServerInfo server();

  /** What the server says of a model. */
  ModelInfo model(String name);

  /**
   * What the server counted.
   *
   * @param model empty for all models
   */
  List<ModelStatistics> statistics(String model);

  /** Ends the connections; calls in flight fail. */
  @Override
  void close();
}
