package dev.nereid.core;

import org.jspecify.annotations.Nullable;

/**
 * Carries a {@link Failure} out of code that cannot return one, for instance a parser. Without a
 * cause it is cheap: no stack trace is taken, since the caller of the server is to blame.
 */
public final class FaultException extends RuntimeException {
  private final Failure failure;

  /** A failure that the caller caused. */
  public FaultException(Failure failure) {
    super(failure.message(), null, false, false);
    this.failure = failure;
  }

  /** A failure that something inside caused. */
  public FaultException(Failure failure, @Nullable Throwable cause) {
    super(failure.message(), cause);
    this.failure = failure;
  }

  /** Shorthand for {@code new FaultException(fault.with(message))}. */
  public static FaultException of(Fault fault, String message) {
    return new FaultException(fault.with(message));
  }

  /** What goes to the caller. */
  public Failure failure() {
    return failure;
  }
}
