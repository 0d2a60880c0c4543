package dev.nereid.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Doubles the callers until nothing is gained twice in a row, and holds the fewest that reach 95 %
 * of the best throughput: that is the knee, beyond which only waiting grows.
 */
record KneeSearch(LoadOptions load, Mode.Runner runner) {
  private static final int FIRST = 1;
  private static final int MOST = 4_096;
  private static final double GAIN = 1.05;
  private static final double SHARE = 0.95;
  private static final Duration HOLD = Duration.ofMinutes(5);
  private static final Duration LONGEST_PROBE = Duration.ofSeconds(10);

  /** The steps of the search, and last the knee held. */
  List<LoadResult> run() throws InterruptedException {
    Duration hold = load.duration(HOLD);
    Duration probe = hold.compareTo(LONGEST_PROBE) < 0 ? hold : LONGEST_PROBE;
    List<LoadResult> results = new ArrayList<>();
    double best = 0;
    int idle = 0;
    for (int callers = load.callers(FIRST).getFirst(); callers <= MOST && idle < 2; callers *= 2) {
      LoadResult result = runner.run(load.closed(callers, probe));
      results.add(result);
      idle = result.throughput() > best * GAIN ? 0 : idle + 1;
      best = Math.max(best, result.throughput());
    }
    results.add(runner.run(load.closed(knee(results), hold)));
    return results;
  }

  /** The fewest callers of a constant load that reach 95 % of the best throughput of all. */
  static int knee(List<LoadResult> results) {
    double best = results.stream().mapToDouble(LoadResult::throughput).max().orElse(0);
    return results.stream()
        .filter(result -> result.throughput() >= SHARE * best)
        .mapToInt(result -> result.plan().load().callers())
        .min()
        .orElse(1);
  }
}
