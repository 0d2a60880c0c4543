package dev.nereid.core;

/** A source of elapsed time. The zero point means nothing; only differences do. Thread-safe. */
@FunctionalInterface
public interface Ticker {
  /** Nanoseconds on a line that never goes back. */
  long nanos();

  /** The clock of the running JVM. */
  static Ticker system() {
    return System::nanoTime;
  }
}
