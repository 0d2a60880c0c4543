package dev.nereid.http;

import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;
import dev.nereid.core.Tracer;
import org.jspecify.annotations.Nullable;

/**
 * What a listener works with and does not own.
 *
 * @param memory where bodies are read into
 * @param tracer of requests with a method that may carry a body; null for no traces
 */
public record ListenerServices(
    EventLoops loops,
    MemoryPool memory,
    Ticker ticker,
    HttpMetrics metrics,
    AccessLog accessLog,
    RefusalAnswers refusals,
    @Nullable Tracer tracer) {

  /** Services that trace nothing. */
  public ListenerServices(
      EventLoops loops,
      MemoryPool memory,
      Ticker ticker,
      HttpMetrics metrics,
      AccessLog accessLog,
      RefusalAnswers refusals) {
    this(loops, memory, ticker, metrics, accessLog, refusals, null);
  }

  /** Services that count nothing, log nothing and refuse in JSON. */
  public static ListenerServices of(EventLoops loops, MemoryPool memory) {
    return new ListenerServices(
        loops, memory, Ticker.system(), HttpMetrics.NONE, AccessLog.OFF, RefusalAnswers.json());
  }
}
