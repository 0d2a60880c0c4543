package dev.nereid.bench;

import static dev.nereid.bench.MeasuredCells.isPerCall;
import static dev.nereid.bench.MeasuredCells.isSmallTensor;
import static dev.nereid.bench.ProtocolsReport.format;
import static dev.nereid.bench.ProtocolsReport.is;

import java.util.List;
import java.util.function.Predicate;
import java.util.stream.DoubleStream;
import tools.jackson.databind.JsonNode;

/** What explains the verdicts, as far as what was measured tells. */
record ProtocolCauses(MeasuredCells measured, List<Link> links) {
  void write(StringBuilder text) {
    StringBuilder causes = new StringBuilder();
    channels(causes);
    for (Link link : links) {
      bytes(causes, link);
    }
    if (!causes.isEmpty()) {
      text.append("\nWhy, as far as the figures tell:\n\n").append(causes);
    }
  }

  /** What it costs to open a channel for every call, on both protocols. */
  private void channels(StringBuilder text) {
    for (Route route : List.of(Route.GRPC, Route.BINARY)) {
      List<SpeedRatio> ratios = measured.perCallOverShared(route);
      if (!ratios.isEmpty()) {
        text.append(
            format(
                "* A channel for each call over one shared channel, %s: %s times as fast (least, median,"
                    + " greatest of %d points), an answer %s later at the median, %s more"
                    + " processor time in the server for each.\n",
                route.label(),
                spread(ratios),
                ratios.size(),
                more(ratios, "latency", "mean"),
                more(ratios, "server_cpu_per_request")));
      }
    }
  }

  private static String more(List<SpeedRatio> ratios, String... path) {
    double[] more =
        ratios.stream()
            .mapToDouble(ratio -> figure(ratio.cell(), path) - figure(ratio.other(), path))
            .filter(Double::isFinite)
            .toArray();
    return more.length == 0 ? "-" : Times.micros(median(more));
  }

  private static double figure(JsonNode cell, String... path) {
    JsonNode node = cell.path("run");
    for (String member : path) {
      node = node.path(member);
    }
    return node.isNumber() ? node.doubleValue() : Double.NaN;
  }

  /** How much files save on a link, and how full each form makes it. */
  private void bytes(StringBuilder text, Link link) {
    Predicate<JsonNode> here = c -> is(c, "link", link.name()) && !isPerCall(c);
    double[] files = perPicture(here.and(c -> is(c, "payload", "encoded")));
    double[] tensors = perPicture(here.and(c -> is(c, "payload", "fp32")));
    if (files.length == 0 || tensors.length == 0) {
      return;
    }
    text.append(
        format(
            "* On %s a picture in its file takes %,.0f bytes and as FP32 %,.0f (medians)",
            link.name(), median(files), median(tensors)));
    if (link.bytesPerSecond() > 0) {
      text.append(
          format(
              "; files fill the link up to %.0f %%, FP32 up to %.0f %%",
              100 * fullest(here.and(c -> is(c, "payload", "encoded")), link),
              100 * fullest(here.and(c -> is(c, "payload", "fp32")), link)));
    }
    text.append(
        format(
            "; a picture costs the server %s of processor time in its file and %s as FP32.\n",
            Times.micros(median(server(here.and(c -> is(c, "payload", "encoded"))))),
            Times.micros(median(server(here.and(c -> is(c, "payload", "fp32")))))));
  }

  private double[] perPicture(Predicate<JsonNode> which) {
    return figures(which, "wire_bytes_out_per_request");
  }

  private double[] server(Predicate<JsonNode> which) {
    return figures(which, "server_cpu_per_request");
  }

  /** A figure of each point, for one picture. */
  private double[] figures(Predicate<JsonNode> which, String member) {
    return measured.cells().stream()
        .filter(which.and(c -> !isSmallTensor(c)))
        .mapToDouble(c -> figure(c, member) / c.path("batch").doubleValue())
        .filter(Double::isFinite)
        .toArray();
  }

  private double fullest(Predicate<JsonNode> which, Link link) {
    return measured.cells().stream()
        .filter(which)
        .mapToDouble(c -> figure(c, "wire_bytes_out_per_request") * figure(c, "throughput"))
        .filter(Double::isFinite)
        .map(bytes -> bytes / link.bytesPerSecond())
        .max()
        .orElse(0);
  }

  /** The least, the median and the greatest. */
  static String spread(List<SpeedRatio> ratios) {
    double[] sorted = ratios.stream().mapToDouble(SpeedRatio::value).sorted().toArray();
    return format("%.2f, %.2f, %.2f", sorted[0], median(sorted), sorted[sorted.length - 1]);
  }

  /** The greater of the middle two where there is none in the middle; NaN of nothing. */
  private static double median(double[] values) {
    double[] sorted = DoubleStream.of(values).sorted().toArray();
    return sorted.length == 0 ? Double.NaN : sorted[sorted.length / 2];
  }
}
