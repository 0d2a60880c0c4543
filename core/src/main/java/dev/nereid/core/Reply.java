package dev.nereid.core;

/**
 * Where the outcome of one request goes.
 *
 * <p><b>Threading.</b> Exactly one of {@link #respond} and {@link #fail} is called, once, from any
 * thread, often the one that owns a model instance; {@link #flush} follows. None may block or
 * throw.
 */
public interface Reply {
  /** The answer, which now belongs to the receiver, who closes it. May be held until flushed. */
  void respond(InferResponse response);

  /** The request failed. May be held until flushed. */
  void fail(Failure failure);

  /**
   * Which load of the model took a request that asks for classes. Told before any outcome, and once
   * more when another load has taken its place by then.
   */
  default void takenBy(Labelling load) {}

  /**
   * Sends what is held. The outcomes of a batch are given one after another, and then each {@link
   * #group} is flushed once, so that a transport is woken once and writes once.
   */
  default void flush() {}

  /** What is flushed together, compared by identity: for instance one event loop's outbox. */
  default Object group() {
    return this;
  }
}
