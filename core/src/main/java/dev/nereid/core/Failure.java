package dev.nereid.core;

/**
 * A failure on its way to the caller.
 *
 * @param message for the caller: what was wrong, its value, and what was expected
 */
public record Failure(Fault fault, String message) {

  /** The exception that carries this failure out of code that cannot return it. */
  public FaultException exception() {
    return new FaultException(this);
  }

  /** The same failure with a text before its message. */
  public Failure prefixed(String prefix) {
    return new Failure(fault, prefix + message);
  }
}
