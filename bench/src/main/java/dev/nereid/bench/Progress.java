package dev.nereid.bench;

/** Shown while a run is under way. Called by one thread, once a second. */
interface Progress {
  /** Shows nothing. */
  Progress NONE = _ -> {};

  /**
   * One second.
   *
   * @param plan of the run it belongs to
   * @param warmUp whether nothing is counted yet
   * @param elapsed seconds of this phase
   * @param total seconds of this phase at most, or infinite
   * @param second what happened in it
   * @param failed in the phase so far
   */
  record Tick(
      LoadPlan plan,
      boolean warmUp,
      double elapsed,
      double total,
      LoadResult.Second second,
      long failed) {}

  void show(Tick tick);

  /** All runs are over; what was drawn may be cleared away. */
  default void end() {}
}
