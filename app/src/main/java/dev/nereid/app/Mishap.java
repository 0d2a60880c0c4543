package dev.nereid.app;

/** Something that went wrong and is said to the user in one line, with its remedy. */
final class Mishap extends RuntimeException {
  /**
   * @param message what is wrong, its value, and what to do
   */
  Mishap(String message) {
    super(message, null, false, false);
  }
}
