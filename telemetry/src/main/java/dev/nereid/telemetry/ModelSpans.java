package dev.nereid.telemetry;

import dev.nereid.core.Phase;
import dev.nereid.core.Timings;
import dev.nereid.core.TraceSpan;

/**
 * Tells traces what models did, from the moments that were measured anyway: nothing is begun before
 * an answer is there, and what is not recorded costs a look.
 */
public final class ModelSpans {
  private static final String MODEL = "triton.model_name";
  private static final String VERSION = "triton.model_version";

  private ModelSpans() {}

  /**
   * Tells of one answer: a span named after the model, its phases below it, and for an ensemble its
   * steps instead, each with its own.
   *
   * @param version that answered; -1 when it is not known
   */
  public static void add(TraceSpan parent, String model, long version, Timings timings) {
    if (!parent.isRecorded() || !timings.isKnown()) {
      return;
    }
    TraceSpan span = parent.child(model, timings.queued());
    name(span, model, version);
    phases(span, timings);
    span.end(timings.ended());
  }

  /** Names the model that a span stands for; a version of -1 is not told. */
  public static void name(TraceSpan span, String model, long version) {
    if (span.isRecorded()) {
      span.tell(MODEL, model);
      if (version >= 0) {
        span.tell(VERSION, version);
      }
    }
  }

  /** Tells the phases, or the steps, of an answer below the span that stands for its model. */
  public static void phases(TraceSpan span, Timings timings) {
    if (!span.isRecorded() || !timings.isKnown()) {
      return;
    }
    if (!timings.steps().isEmpty()) {
      for (Timings.Step step : timings.steps()) {
        add(span, step.model(), -1, step.timings());
      }
      return;
    }
    part(span, Phase.QUEUE.word(), timings.queued(), timings.started());
    part(span, "compute_input", timings.started(), timings.computeStarted());
    if (timings.computeEnded() > timings.computeStarted()) {
      TraceSpan infer = span.child("compute_infer", timings.computeStarted());
      long decoded = timings.computeStarted() + timings.decodeNanos();
      // Decoding comes first; how long it took was measured, when it began was not.
      part(
          infer,
          Phase.DECODE.word(),
          timings.computeStarted(),
          Math.min(decoded, timings.computeEnded()));
      infer.end(timings.computeEnded());
    }
    part(span, "compute_output", timings.computeEnded(), timings.ended());
  }

  private static void part(TraceSpan span, String name, long from, long to) {
    if (to > from) {
      span.child(name, from).end(to);
    }
  }
}
