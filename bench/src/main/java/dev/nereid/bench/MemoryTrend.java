package dev.nereid.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Says whether a quantity of memory stayed flat: the first third of a run is the warm-up, the
 * median of the second third is compared with that of the last. Not thread-safe.
 */
final class MemoryTrend {
  /** A JVM's heap takes a while to find its size; before that, growth tells nothing. */
  static final int LEAST_SAMPLES = 90;

  private final String name;
  private final double growthAllowed;
  private final double bytesAllowed;
  private final List<Double> samples = new ArrayList<>();

  /**
   * A trend without samples.
   *
   * @param growthAllowed as a fraction
   * @param bytesAllowed of growth in any case, for what is noise in a small process
   */
  MemoryTrend(String name, double growthAllowed, double bytesAllowed) {
    this.name = name;
    this.growthAllowed = growthAllowed;
    this.bytesAllowed = bytesAllowed;
  }

  /** The metric. */
  String name() {
    return name;
  }

  void add(double bytes) {
    samples.add(bytes);
  }

  /** Whether the last third lies within what is allowed; true while there is too little to tell. */
  boolean isFlat() {
    return samples.size() < LEAST_SAMPLES
        || after() - before() <= Math.max(bytesAllowed, growthAllowed * before());
  }

  private double before() {
    return median(samples.size() / 3, 2 * samples.size() / 3);
  }

  private double after() {
    return median(2 * samples.size() / 3, samples.size());
  }

  private double median(int from, int to) {
    double[] part =
        samples.subList(from, to).stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return part.length == 0 ? 0 : part[part.length / 2];
  }

  @Override
  public String toString() {
    double peak = samples.stream().mapToDouble(Double::doubleValue).max().orElse(0);
    return String.format(
        Locale.ROOT,
        "%s: %.1f MB in the middle, %.1f MB at the end, %.1f MB at most, %d samples: %s",
        name,
        before() / 1e6,
        after() / 1e6,
        peak / 1e6,
        samples.size(),
        samples.size() < LEAST_SAMPLES ? "too few to tell" : isFlat() ? "flat" : "NOT FLAT");
  }
}
