package dev.nereid.bench;

/**
 * Presses a target. Requests are made and counted on the client's event loops; the methods here are
 * for one controlling thread, in their order.
 */
interface Driver extends AutoCloseable {
  /** What was begun and not ended. */
  record Remainder(int unanswered, long unsent) {}

  /** Presses at the first level, and counts into that tally, until {@link #measure}. */
  void warmUp(Tally tally);

  /** Lets the warm-up end, where nothing of it may still be under way when counting begins. */
  default void settle() throws InterruptedException {}

  /** Leaves the warm-up behind, if there was one, and counts into that tally. */
  void measure(Tally tally);

  /** Brings the pressure to what the profile wants at that time; called every few milliseconds. */
  default void adjust(long elapsedNanos) {}

  /** What the profile wants at that time. */
  double level(long elapsedNanos);

  int inFlight();

  /** Whether nothing more will be sent. */
  boolean isExhausted();

  /** Sends nothing more that was intended for later, and waits for what is under way. */
  Remainder finish() throws InterruptedException;

  @Override
  void close();
}
