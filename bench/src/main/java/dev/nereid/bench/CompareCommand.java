package dev.nereid.bench;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * {@code nereid bench compare}: what changed between two reports. Exit status 0 when nothing became
 * worse than allowed, 1 when something did, 2 when the reports have nothing in common.
 */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description =
        "Compares two reports of bench --json: ratios with intervals; fails past a threshold.",
    footer = {
      "",
      "Figures: throughput, mean, p50, p90, p95, p99, p999, server_cpu_per_request,",
      "client_cpu_per_request. A figure past its threshold fails unless the interval of the ratio",
      "includes 1; runs of the same load in one report (bench --repeat) are taken together."
    })
final class CompareCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Parameters(index = "0", paramLabel = "BEFORE", description = "The report to compare with.")
  private @Nullable Path before;

  @Parameters(index = "1", paramLabel = "AFTER", description = "The report to judge.")
  private @Nullable Path after;

  @Option(
      names = {"-t", "--threshold"},
      split = ",",
      paramLabel = "FIGURE=PERCENT",
      description =
          "How much worse a figure may become (default throughput=5%%,p50=10%%,p99=20%%,"
              + "server_cpu_per_request=5%%).")
  private List<String> thresholds = new ArrayList<>();

  @Override
  public Integer call() {
    if (spec == null || before == null || after == null) {
      throw new IllegalStateException("command: not made by picocli");
    }
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    JsonNode first;
    JsonNode second;
    List<Comparison> all;
    try {
      first = ReportJson.MAPPER.readTree(before);
      second = ReportJson.MAPPER.readTree(after);
      warnOfDifferentMachines(err, first, second);
      all = Comparison.of(first, second, limits());
    } catch (JacksonException | IllegalArgumentException e) {
      err.println(e.getMessage());
      return 2;
    }
    if (all.isEmpty()) {
      err.println(
          (before + " " + Comparison.loads(first) + ", " + after + " " + Comparison.loads(second))
              + ": no load in common (expected: at least one)");
      return 2;
    }
    out.print(table(all));
    out.flush();
    return all.stream().anyMatch(Comparison::isRegression) ? 1 : 0;
  }

  private static void warnOfDifferentMachines(PrintWriter err, JsonNode first, JsonNode second) {
    for (String member : List.of("cpu", "processors", "os", "jdk")) {
      JsonNode a = first.path("environment").path(member);
      JsonNode b = second.path("environment").path(member);
      if (!a.equals(b)) {
        err.println("note: " + member + " differs: " + a + ", " + b);
      }
    }
  }

  private Map<String, Double> limits() {
    List<String> texts =
        thresholds.isEmpty()
            ? List.of("throughput=5", "p50=10", "p99=20", "server_cpu_per_request=5")
            : thresholds;
    Map<String, Double> limits = new LinkedHashMap<>();
    for (String text : texts) {
      int equals = text.indexOf('=');
      try {
        limits.put(
            text.substring(0, equals).strip(),
            Double.parseDouble(text.substring(equals + 1).replace("%", "").strip()) / 100);
      } catch (NumberFormatException | IndexOutOfBoundsException e) {
        throw new IllegalArgumentException(
            "--threshold: '" + text + "' (expected: FIGURE=PERCENT, such as p99=20%)", e);
      }
    }
    return limits;
  }

  private static String table(List<Comparison> all) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("load", "figure", "before", "after", "ratio", "interval", "limit", ""));
    for (Comparison one : all) {
      Interval interval = one.interval();
      rows.add(
          List.of(
              one.load(),
              one.figure(),
              value(one.figure(), one.before()),
              value(one.figure(), one.after()),
              String.format(Locale.ROOT, "%.3f", one.ratio()),
              interval == null
                  ? "-"
                  : String.format(Locale.ROOT, "%.3f to %.3f", interval.low(), interval.high()),
              String.format(Locale.ROOT, "%.2f", one.limit()),
              one.isRegression() ? "WORSE" : one.isDoubtful() ? "chance?" : "ok"));
    }
    StringBuilder text = new StringBuilder();
    ReportTable.align(text, rows);
    return text.toString();
  }

  private static String value(String figure, double value) {
    return figure.equals("throughput")
        ? String.format(Locale.ROOT, "%,.0f/s", value)
        : Times.micros(value);
  }
}
