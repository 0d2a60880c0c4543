package dev.nereid.engine;

import java.time.Duration;
import java.util.List;

/**
 * How loading went.
 *
 * @param entries every model, ready or failed, by name
 * @param took from the first to the last
 */
public record LoadReport(List<IndexEntry> entries, Duration took) {
  /** The models that failed. */
  public List<IndexEntry> failures() {
    return entries.stream().filter(entry -> entry.state() != IndexEntry.State.READY).toList();
  }
}
