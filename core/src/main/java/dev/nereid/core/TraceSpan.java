package dev.nereid.core;

import java.util.function.BiConsumer;

/**
 * A part of a request's way that is told to whoever collects traces, and below which other parts
 * may stand.
 *
 * <p>A request that is not sampled has a span as well, which keeps nothing: it carries the trace's
 * name and the decision on to the servers that are asked on its behalf.
 *
 * <p>Thread-safe; nothing here blocks. What is told after {@link #end} is lost, and so is a second
 * end. Moments are nanoseconds on the {@link Ticker}'s line.
 */
public interface TraceSpan {
  /** The name of the whole trace, 32 hexadecimal digits. */
  String traceId();

  /** Whether anything is kept; who would make texts for a span asks first. */
  boolean isRecorded();

  /** Gives the headers, by name and value, for a server that is asked below this span. */
  void propagate(BiConsumer<String, String> headers);

  /** A part that began at that moment. */
  TraceSpan child(String name, long startNanos);

  /** A part that begins now. */
  TraceSpan child(String name);

  /** A call of another server that begins now. */
  TraceSpan call(String name);

  /** The same place in the trace, below which nothing is kept. */
  TraceSpan unrecorded();

  /** Names it otherwise than at its beginning. */
  void name(String name);

  /** Keeps a text with it. */
  void tell(String key, String value);

  /** Keeps a number with it. */
  void tell(String key, long value);

  /**
   * Marks it as failed; of several failures the first counts.
   *
   * @param type a word for the kind of failure
   * @param message for the reader; may be empty
   */
  void fail(String type, String message);

  /** It ended at that moment. */
  void end(long nanos);

  /** It ends now. */
  void end();
}
