package dev.nereid.core;

/**
 * Every way a request or a command can fail, in the words of the server and of no protocol. Each
 * protocol maps all of them in one exhaustive switch.
 */
public enum Fault {
  /** The request contradicts itself, the model or the protocol. */
  INVALID_ARGUMENT,
  /** The caller's bytes are well delivered and of an accepted kind but cannot be decoded. */
  UNPROCESSABLE,
  /** The body is of a kind that is not accepted here. */
  UNSUPPORTED_MEDIA,
  /** A body, tensor or picture exceeds its limit. */
  TOO_LARGE,
  /** No such model, version or endpoint. */
  NOT_FOUND,
  /** The name is taken. */
  ALREADY_EXISTS,
  /** What is asked is known and not offered here. */
  UNSUPPORTED,
  /** Known, and not able to serve now: loading, unloading, or the server is ending. */
  NOT_READY,
  /** A limit on queued or running work is reached. */
  OVERLOADED,
  /** The time allowed for waiting in the queue is over. */
  QUEUE_TIMEOUT,
  /** The caller's deadline passed before an answer existed. */
  DEADLINE_EXCEEDED,
  /** The caller withdrew. */
  CANCELLED,
  /** The back end failed on this request or its batch. */
  BACKEND_FAILED,
  /** A defect of the server. */
  INTERNAL;

  /**
   * Whether it concerns the one caller alone, who withdrew or ran out of time: another who asks the
   * same may still be answered.
   */
  public boolean isCallersOwn() {
    return switch (this) {
      case CANCELLED, DEADLINE_EXCEEDED, QUEUE_TIMEOUT -> true;
      case INVALID_ARGUMENT,
          UNPROCESSABLE,
          UNSUPPORTED_MEDIA,
          TOO_LARGE,
          NOT_FOUND,
          ALREADY_EXISTS,
          UNSUPPORTED,
          NOT_READY,
          OVERLOADED,
          BACKEND_FAILED,
          INTERNAL ->
          false;
    };
  }

  /** A failure of this kind with that text. */
  public Failure with(String message) {
    return new Failure(this, message);
  }
}
