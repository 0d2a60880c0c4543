package dev.nereid.bench;

import java.util.List;
import tools.jackson.databind.JsonNode;

/**
 * How many times as fast one point is as another of the same group, and where that lies but for
 * chance. Both were measured forth and back, so there are two ratios; how far those are apart at
 * all points of a comparison says how much is chance at each of them.
 *
 * @param cell the point
 * @param other what it is compared with
 * @param value rows per second, all of the time of both
 */
record SpeedRatio(JsonNode cell, JsonNode other, double value) {
  private static final double ERROR = 0.05;

  static SpeedRatio of(JsonNode cell, JsonNode other) {
    return new SpeedRatio(cell, other, speed(cell) / speed(other));
  }

  private static double speed(JsonNode cell) {
    return cell.path("images_per_second").doubleValue();
  }

  /** The same of one of the two halves; NaN where it is not known. */
  double half(int index) {
    double one = cell.path("halves").path(index).asDouble(0);
    double two = other.path("halves").path(index).asDouble(0);
    return one > 0 && two > 0 ? one / two : Double.NaN;
  }

  /** How far the halves are apart, as a logarithm; NaN where it is not known. */
  private double apart() {
    return Math.abs(Math.log(half(0) / half(1)));
  }

  /**
   * Where each ratio lies: all of them at once with 95 % confidence. A point whose own halves are
   * further apart than usual has an interval that holds both.
   *
   * @param ratios of the points that are judged together
   * @param alike ratios that are as noisy, those judged among them
   */
  static List<Interval> intervals(List<SpeedRatio> ratios, List<SpeedRatio> alike) {
    double[] apart =
        alike.stream().mapToDouble(SpeedRatio::apart).filter(Double::isFinite).toArray();
    double squares = 0;
    for (double each : apart) {
      squares += each * each;
    }
    // Halves that differ by d are each off by d over the root of two, and their mean by half of d.
    double usual =
        apart.length == 0
            ? Double.POSITIVE_INFINITY
            : Interval.student(apart.length, ERROR / ratios.size())
                * Math.sqrt(squares / apart.length)
                / 2;
    return ratios.stream().map(ratio -> ratio.interval(usual)).toList();
  }

  private Interval interval(double usual) {
    double half = Double.isFinite(apart()) ? Math.max(usual, apart() / 2) : usual;
    return new Interval(value * Math.exp(-half), value * Math.exp(half));
  }
}
