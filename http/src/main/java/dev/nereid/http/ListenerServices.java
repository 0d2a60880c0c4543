package dev.nereid.http;

import dev.nereid.core.MemoryPool;
import dev.nereid.core.Ticker;

/**
 * What a listener works with and does not own.
 *
 * @param memory where bodies are read into
 */
public record ListenerServices(
    EventLoops loops,
    MemoryPool memory,
    Ticker ticker,
    HttpMetrics metrics,
    AccessLog accessLog,
    RefusalAnswers refusals) {
  /** Services that count nothing, log nothing and refuse in JSON. */
  public static ListenerServices of(EventLoops loops, MemoryPool memory) {
    return new ListenerServices(
        loops, memory, Ticker.system(), HttpMetrics.NONE, AccessLog.OFF, RefusalAnswers.json());
  }
}
