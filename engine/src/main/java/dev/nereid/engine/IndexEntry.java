package dev.nereid.engine;

/**
 * A version of a model as the repository index shows it.
 *
 * @param version 0 when none was ever loaded
 * @param reason why it is in that state; may be empty
 * @param summary what its back end said of threads and devices; may be empty
 */
public record IndexEntry(String model, long version, State state, String reason, String summary) {

  /** Where a version stands. Names are the index's. */
  public enum State {
    UNKNOWN,
    LOADING,
    READY,
    UNLOADING,
    UNAVAILABLE
  }
}
