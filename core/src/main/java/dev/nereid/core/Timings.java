package dev.nereid.core;

/**
 * When the phases of one execution began and ended, on the {@link Ticker}'s line.
 *
 * @param queued when the request entered the model's queue
 * @param started when its batch was given to an instance
 * @param computeStarted when inputs were gathered and the model began to run
 * @param computeEnded when the model had run
 * @param ended when outputs were ready
 */
public record Timings(
    long queued, long started, long computeStarted, long computeEnded, long ended) {
  /** Nothing was measured. */
  public static final Timings NONE = new Timings(0, 0, 0, 0, 0);

  /** Nanoseconds in the queue. */
  public long queueNanos() {
    return started - queued;
  }

  /** Nanoseconds spent on gathering inputs. */
  public long inputNanos() {
    return computeStarted - started;
  }

  /** Nanoseconds the model ran. */
  public long inferNanos() {
    return computeEnded - computeStarted;
  }

  /** Nanoseconds spent on outputs. */
  public long outputNanos() {
    return ended - computeEnded;
  }
}
