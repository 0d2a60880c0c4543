package dev.nereid.bench;

import dev.nereid.client.ModelStatistics;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** Results as text for a terminal. */
final class ReportTable {
  private static final String NOT_KNOWN = "-";
  private static final int SIZES_SHOWN = 8;

  private ReportTable() {}

  static String of(String title, List<LoadResult> results) {
    StringBuilder text = new StringBuilder(title).append("\n\n");
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "in flight",
            "req/s",
            "mean",
            "p50",
            "p90",
            "p99",
            "p99.9",
            "max",
            "failed",
            "server CPU",
            "client CPU",
            "conns"));
    results.forEach(result -> rows.add(row(result)));
    align(text, rows);
    for (LoadResult result : results) {
      details(text, result);
    }
    return text.toString();
  }

  private static List<String> row(LoadResult result) {
    Latencies l = result.latencies();
    return List.of(
        "" + result.plan().concurrency(),
        String.format(Locale.ROOT, "%,.0f", result.throughput()),
        micros(l.count() == 0 ? null : l.mean()),
        micros(l.p50()),
        micros(l.p90()),
        micros(l.p99()),
        micros(l.p999()),
        micros(l.count() == 0 ? null : l.max()),
        String.format(Locale.ROOT, "%,d", result.failed()),
        micros(result.serverCpuMicros()),
        micros(result.clientCpuMicros()),
        "" + result.connections());
  }

  private static void details(StringBuilder text, LoadResult result) {
    text.append('\n').append(result.plan().concurrency()).append(" in flight: ");
    text.append(
        String.format(
            Locale.ROOT,
            "%,d completed in %.1f s after %.1f s of warm-up%s; %,.0f B out, %,.0f B back\n",
            result.completed(),
            result.seconds(),
            result.warmUpSeconds(),
            result.plan().verify() ? ", content checked" : "",
            result.requestBytes(),
            result.replyBytes()));
    result
        .failures()
        .forEach(
            (kind, count) ->
                text.append(
                    String.format(
                        Locale.ROOT,
                        "  failed: %,d x %s (%s)\n",
                        count,
                        kind,
                        result.examples().getOrDefault(kind, ""))));
    if (result.unanswered() > 0) {
      text.append(
          String.format(
              Locale.ROOT, "  unanswered when patience ended: %,d\n", result.unanswered()));
    }
    result.models().forEach(model -> text.append(model(model)));
    if (result.clientIsBottleneck()) {
      text.append(
          String.format(
              Locale.ROOT,
              "  WARNING: the client's busiest thread ran %.0f %% of the time; the figures may be the client's."
                  + " Try --client-threads or more channels.\n",
              100 * result.busiestLoop()));
    }
  }

  private static String model(ModelStatistics model) {
    return String.format(
        Locale.ROOT,
        "  %s: %,d inferences in %,d executions, mean batch %.2f [%s]; queue %s, compute %s+%s+%s\n",
        model.name(),
        model.inferences(),
        model.executions(),
        model.meanBatch(),
        batches(model.batches()),
        micros(model.queue().meanMicros()),
        micros(model.computeInput().meanMicros()),
        micros(model.computeInfer().meanMicros()),
        micros(model.computeOutput().meanMicros()));
  }

  /** The share of executions by batch size; many sizes in ranges that double. */
  static String batches(SortedMap<Long, Long> executions) {
    SortedMap<Long, Long> shown = executions;
    if (executions.size() > SIZES_SHOWN) {
      SortedMap<Long, Long> ranges = new TreeMap<>();
      executions.forEach((size, count) -> ranges.merge(rangeEnd(size), count, Long::sum));
      shown = ranges;
    }
    long total = Math.max(1, executions.values().stream().mapToLong(Long::longValue).sum());
    StringJoiner text = new StringJoiner(" ");
    for (var entry : shown.entrySet()) {
      long end = entry.getKey();
      boolean range = executions.size() > SIZES_SHOWN && end > 2;
      text.add(
          String.format(
              Locale.ROOT,
              "%s%d:%.0f%%",
              range ? end / 2 + 1 + "-" : "",
              end,
              100.0 * entry.getValue() / total));
    }
    return text.toString();
  }

  /** The power of two that is not below the size. */
  private static long rangeEnd(long size) {
    return size <= 1 ? size : Long.highestOneBit(size - 1) << 1;
  }

  /** A time with its unit: {@code 12.3us}, {@code 4.56ms}, {@code 7.89s}. */
  static String micros(@Nullable Double micros) {
    if (micros == null) {
      return NOT_KNOWN;
    }
    if (micros < 1e3) {
      return String.format(Locale.ROOT, "%.1fus", micros);
    }
    return micros < 1e6
        ? String.format(Locale.ROOT, "%.2fms", micros / 1e3)
        : String.format(Locale.ROOT, "%.2fs", micros / 1e6);
  }

  private static void align(StringBuilder text, List<List<String>> rows) {
    int columns = rows.getFirst().size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        text.append(" ".repeat(widths[i] - row.get(i).length() + (i == 0 ? 0 : 2)))
            .append(row.get(i));
      }
      text.append('\n');
    }
  }
}
