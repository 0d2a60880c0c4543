package dev.nereid.core;

/**
 * Where the outcome of one request goes.
 *
 * <p><b>Threading.</b> Exactly one of the two methods is called, once, from any thread, often the
 * one that owns a model instance: it must not block and must not throw.
 */
public interface Reply {
  /** The answer, which now belongs to the receiver, who closes it. */
  void respond(InferResponse response);

  /** The request failed. */
  void fail(Failure failure);
}
