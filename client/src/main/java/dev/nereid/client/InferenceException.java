package dev.nereid.client;

/** Carries a {@link CallFailure} to a caller who waits for a result. */
public final class InferenceException extends RuntimeException {
  private final transient CallFailure failure;

  /** An exception for that failure. */
  public InferenceException(CallFailure failure) {
    super(failure.code() + ": " + failure.message());
    this.failure = failure;
  }

  /** What happened. */
  public CallFailure failure() {
    return failure;
  }
}
