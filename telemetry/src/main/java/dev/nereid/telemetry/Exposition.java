package dev.nereid.telemetry;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** Writes samples in the Prometheus text format, family by family. */
final class Exposition implements MetricSource.Sink {
  private final Map<Meter, StringBuilder> families;

  /** Labels that every number has besides its own, each with a comma in front. */
  private final String tags;

  Exposition(Map<Meter, StringBuilder> families) {
    this(families, "");
  }

  private Exposition(Map<Meter, StringBuilder> families, String tags) {
    this.families = families;
    this.tags = tags;
  }

  @Override
  public MetricSource.Sink tagged(Map<String, String> more) {
    if (more.isEmpty()) {
      return this;
    }
    StringBuilder text = new StringBuilder(tags);
    new TreeMap<>(more).forEach((name, value) -> text.append(',').append(label(name, value)));
    return new Exposition(families, text.toString());
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

  @Override
  public void summary(
      Meter meter, Summary summary, MetricSource.Quantiles quantiles, String... labelValues) {
    StringBuilder lines = lines(meter);
    String labels = labels(meter, labelValues);
    String comma = labels.isEmpty() ? "" : ",";
    for (int i = 0; i < quantiles.quantiles().size(); i++) {
      String quantile = label("quantile", number(quantiles.quantiles().get(i)));
      line(lines, meter.id(), labels + comma + quantile, number(quantiles.values().get(i)));
    }
    line(lines, meter.id() + "_sum", labels, number(summary.sum()));
    line(lines, meter.id() + "_count", labels, Long.toString(summary.count()));
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

  private String labels(Meter meter, String... values) {
    List<String> names = meter.labels();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < values.length; i++) {
      text.append(i == 0 ? "" : ",").append(label(names.get(i), values[i]));
    }
    return text.isEmpty() && !tags.isEmpty() ? tags.substring(1) : text.append(tags).toString();
  }

  private static String label(String name, String value) {
    return name + "=\"" + escaped(value) + '"';
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
