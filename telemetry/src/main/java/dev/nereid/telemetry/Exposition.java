package dev.nereid.telemetry;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Writes samples in the Prometheus text format, family by family. */
final class Exposition implements MetricSource.Sink {
  private final Map<Meter, StringBuilder> families;

  Exposition(Map<Meter, StringBuilder> families) {
    this.families = families;
  }

  @Override
  public void sample(Meter meter, double value, String... labelValues) {
    line(lines(meter), meter.id(), labels(meter, labelValues), number(value));
  }

  @Override
  public void histogram(Meter meter, Histogram histogram, String... labelValues) {
    StringBuilder lines = lines(meter);
    String labels = labels(meter, labelValues);
    String comma = labels.isEmpty() ? "" : ",";
    long[] counts = histogram.counts();
    double[] bounds = histogram.bounds();
    long cumulative = 0;
    for (int i = 0; i < counts.length; i++) {
      cumulative += counts[i];
      String bound = i < bounds.length ? number(bounds[i]) : "+Inf";
      line(
          lines,
          meter.id() + "_bucket",
          labels + comma + "le=\"" + bound + '"',
          Long.toString(cumulative));
    }
    line(lines, meter.id() + "_sum", labels, number(histogram.sum()));
    line(lines, meter.id() + "_count", labels, Long.toString(cumulative));
  }

  /** The two comment lines that introduce a family. */
  static StringBuilder family(StringBuilder text, Meter meter) {
    return text.append("# HELP ")
        .append(meter.id())
        .append(' ')
        .append(meter.help())
        .append("\n# TYPE ")
        .append(meter.id())
        .append(' ')
        .append(meter.kind().name().toLowerCase(Locale.ROOT))
        .append('\n');
  }

  private StringBuilder lines(Meter meter) {
    return families.computeIfAbsent(meter, _ -> new StringBuilder());
  }

  private static void line(StringBuilder lines, String name, String labels, String value) {
    lines.append(name);
    if (!labels.isEmpty()) {
      lines.append('{').append(labels).append('}');
    }
    lines.append(' ').append(value).append('\n');
  }

  private static String labels(Meter meter, String... values) {
    List<String> names = meter.labels();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < values.length; i++) {
      text.append(i == 0 ? "" : ",").append(names.get(i)).append("=\"");
      text.append(escaped(values[i])).append('"');
    }
    return text.toString();
  }

  private static String escaped(String value) {
    return value.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n");
  }

  private static String number(double value) {
    if (value == Math.rint(value) && Math.abs(value) < 1e15) {
      return Long.toString((long) value);
    }
    return Double.isNaN(value) ? "NaN" : Double.toString(value);
  }
}
