package dev.nereid.access;

/**
 * How much one caller may ask.
 *
 * @param perSecond requests, on average; 0 for as many as there are
 * @param burst requests at once after a pause; counts only where {@code perSecond} is set
 * @param concurrency requests at a time; 0 for as many as there are
 */
public record CallerLimits(double perSecond, int burst, int concurrency) {
  /** No limits. */
  public static final CallerLimits NONE = new CallerLimits(0, 1, 0);

  private static final double MOST_PER_SECOND = 1e6;

  public CallerLimits {
    if (!(perSecond >= 0 && perSecond <= MOST_PER_SECOND)) {
      throw new IllegalArgumentException("rate: " + perSecond + " (expected: 0 to 1000000)");
    }
    if (burst < 1) {
      throw new IllegalArgumentException("burst: " + burst + " (expected: >= 1)");
    }
    if (concurrency < 0) {
      throw new IllegalArgumentException("concurrency: " + concurrency + " (expected: >= 0)");
    }
  }

  boolean isNone() {
    return perSecond == 0 && concurrency == 0;
  }
}
