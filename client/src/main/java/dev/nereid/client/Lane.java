package dev.nereid.client;

import dev.nereid.core.InferRequest;
import java.util.Locale;

/**
 * How urgent a call is. Each lane has connections of its own, so that bulk work cannot fill the
 * windows that urgent calls need, and is told to the server as a priority where the model has
 * levels.
 */
public enum Lane {
  /** Before all others: the model's priority 1. */
  HIGH(1),
  /** The model's default. */
  NORMAL(0),
  /** After all others: the model's lowest priority. */
  BATCH(InferRequest.LAST_PRIORITY);

  private final long priority;

  Lane(long priority) {
    this.priority = priority;
  }

  /** The priority of a request in this lane. */
  public long priority() {
    return priority;
  }

  /** The lane of a request with that priority. */
  public static Lane of(long priority) {
    if (priority == HIGH.priority) {
      return HIGH;
    }
    return priority == BATCH.priority ? BATCH : NORMAL;
  }

  /** What people and protocols call it. */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** The priority to tell a server whose model has so many levels; 0 for none. */
  static long onWire(long priority, long levels) {
    if (levels <= 0) {
      return 0;
    }
    return priority == BATCH.priority ? levels : priority;
  }
}
