package dev.nereid.core;

import java.util.List;

/**
 * When the phases of one execution began and ended, on the {@link Ticker}'s line; of an ensemble,
 * what its steps did. An ensemble's own queue is empty, its durations are the sums of its steps',
 * and steps that ran side by side count each.
 *
 * @param queued when the request entered the model's queue
 * @param started when its batch was given to an instance
 * @param computeStarted when inputs were gathered and the model began to run
 * @param computeEnded when the model had run
 * @param ended when outputs were ready
 * @param kind what the execution counts as: preprocessing, computing or postprocessing
 * @param decodeNanos how much of it went into decoding pictures
 * @param steps of an ensemble, in the order they ended; empty for any other model
 */
public record Timings(
    long queued,
    long started,
    long computeStarted,
    long computeEnded,
    long ended,
    Phase kind,
    long decodeNanos,
    List<Step> steps) {
  /** Nothing was measured. */
  public static final Timings NONE = new Timings(0, 0, 0, 0, 0);

  /** One step of an ensemble. */
  public record Step(String model, Timings timings) {
    /** Nanoseconds from its queue to its outputs. */
    public long nanos() {
      return timings.ended - timings.queued;
    }
  }

  /** An execution that computes. */
  public Timings(long queued, long started, long computeStarted, long computeEnded, long ended) {
    this(queued, started, computeStarted, computeEnded, ended, Phase.COMPUTE, 0, List.of());
  }

  /** An ensemble's, which ran from one moment to the other. */
  public static Timings ofEnsemble(long started, long ended, List<Step> steps) {
    return new Timings(
        started, started, started, ended, ended, Phase.COMPUTE, 0, List.copyOf(steps));
  }

  /** Whether anything was measured. */
  public boolean isKnown() {
    return ended != 0;
  }

  /** Nanoseconds in the queue. */
  public long queueNanos() {
    return started - queued;
  }

  /** Nanoseconds spent on gathering inputs. */
  public long inputNanos() {
    if (steps.isEmpty()) {
      return computeStarted - started;
    }
    long sum = 0;
    for (Step step : steps) {
      sum += step.timings.inputNanos();
    }
    return sum;
  }

  /** Nanoseconds the model ran. */
  public long inferNanos() {
    if (steps.isEmpty()) {
      return computeEnded - computeStarted;
    }
    long sum = 0;
    for (Step step : steps) {
      sum += step.timings.inferNanos();
    }
    return sum;
  }

  /** Nanoseconds spent on outputs. */
  public long outputNanos() {
    if (steps.isEmpty()) {
      return ended - computeEnded;
    }
    long sum = 0;
    for (Step step : steps) {
      sum += step.timings.outputNanos();
    }
    return sum;
  }

  /** Nanoseconds of one phase; 0 for {@link Phase#ENCODE}, which comes after. */
  public long nanos(Phase phase) {
    if (!steps.isEmpty()) {
      long sum = 0;
      for (Step step : steps) {
        sum += step.timings.nanos(phase);
      }
      return sum;
    }
    return switch (phase) {
      case QUEUE -> queueNanos();
      case DECODE -> decodeNanos;
      case PREPROCESS, COMPUTE, POSTPROCESS -> phase == kind ? ended - started - decodeNanos : 0;
      case ENCODE -> 0;
    };
  }
}
