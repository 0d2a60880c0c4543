package dev.nereid.core;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Begins the spans of requests that arrive. Thread-safe; never blocks. */
@FunctionalInterface
public interface Tracer {
  /**
   * The span of a request that belongs to the trace its headers name, or begins one.
   *
   * @param traceparent the header of that name; null when there is none
   * @param tracestate the headers of that name, in their order
   * @param startNanos when the first byte came, on the {@link Ticker}'s line
   */
  TraceSpan begin(
      String name, @Nullable String traceparent, List<String> tracestate, long startNanos);
}
