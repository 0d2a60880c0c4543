package dev.nereid.bench;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
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
  private static final int SIZES_SHOWN = 8;
  private static final List<String> HEADING =
      List.of(
          "load",
          "req/s",
          "+-",
          "mean",
          "p50",
          "p90",
          "p99",
          "p99.9",
          "max",
          "failed",
          "server CPU",
          "client CPU",
          "conns");

  private ReportTable() {}

  static String of(String title, List<LoadResult> results) {
    StringBuilder text = new StringBuilder(title).append("\n\n");
    List<List<String>> rows = new ArrayList<>();
    rows.add(HEADING);
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
        result.plan().load().label(),
        format("%,.0f", result.throughput()),
        percent(result.intervals().throughput()),
        Times.micros(l.count() == 0 ? null : l.mean()),
        Times.micros(l.p50()),
        Times.micros(l.p90()),
        Times.micros(l.p99()),
        Times.micros(l.p999()),
        Times.micros(l.count() == 0 ? null : l.max()),
        format("%,d", result.failed()),
        Times.micros(result.cost().server()),
        Times.micros(result.cost().client()),
        "" + result.wire().traffic().connectionsOpen());
  }

  private static String percent(@Nullable Interval interval) {
    return interval == null ? "" : format("%.1f%%", 100 * interval.relative());
  }

  private static void details(StringBuilder text, LoadResult result) {
    LoadResult.Window window = result.window();
    text.append('\n').append(result.plan().load().label()).append(": ");
    text.append(
        format(
            "%,d completed in %.1f s%s; %s\n",
            window.completed(),
            window.seconds(),
            result.plan().verify() ? ", content checked" : "",
            wire(result)));
    text.append(warmUp(result.warmUp()));
    if (result.lag() != null) {
      text.append(openLoop(result, result.lag()));
    }
    result
        .failures()
        .forEach(
            (kind, count) ->
                text.append(
                    format(
                        "  failed: %,d x %s (%s)\n",
                        count, kind, result.examples().getOrDefault(kind, ""))));
    if (window.unanswered() > 0) {
      text.append(format("  unanswered when patience ended: %,d\n", window.unanswered()));
    }
    for (LoadResult.ShareResult share : result.shares()) {
      text.append(share(share));
    }
    result.models().forEach(model -> text.append(model(model)));
    result.phases().forEach(times -> text.append("  ").append(times.described()).append('\n'));
    text.append(client(result));
  }

  private static String wire(LoadResult result) {
    var traffic = result.wire().traffic();
    long requests = Math.max(1, result.completed() + result.failed());
    return format(
        "on the wire %,d B out, %,d B back for each request; at most %,d streams on %,d connections%s",
        traffic.bytesOut() / requests,
        traffic.bytesIn() / requests,
        result.wire().streams(),
        traffic.connectionsOpen(),
        traffic.connectionsOpened() == 0
            ? ""
            : format(" (%,d opened meanwhile)", traffic.connectionsOpened()));
  }

  private static String warmUp(LoadResult.WarmUp warmUp) {
    if (warmUp.seconds() == 0) {
      return "  no warm-up: what the server compiles and loads on first use is in these figures\n";
    }
    return format(
        "  before that %.1f s of warm-up%s: %,d completed, first answer %s, slowest %s\n",
        warmUp.seconds(),
        warmUp.settled() ? "" : " (the load did not settle)",
        warmUp.completed(),
        Times.micros(warmUp.firstMicros()),
        Times.micros(warmUp.worstMicros()));
  }

  private static String openLoop(LoadResult result, Latencies lag) {
    LoadResult.Window window = result.window();
    return format(
        "  offered %,.0f/s, answered %,.0f/s in time, %,d later, %,d never sent; sent late by %s at the"
            + " median, %s at most\n",
        result.offered() / window.seconds(),
        result.throughput(),
        window.late(),
        window.unsent(),
        Times.micros(lag.p50()),
        Times.micros(lag.max()));
  }

  private static String share(LoadResult.ShareResult share) {
    Latencies l = share.latencies();
    return format(
        "  %s: %,d completed, %,d failed, p50 %s, p99 %s, max %s\n",
        share.label(),
        l.count(),
        share.failed(),
        Times.micros(l.p50()),
        Times.micros(l.p99()),
        Times.micros(l.max()));
  }

  private static String model(ModelStatistics model) {
    return format(
        "  %s: %,d inferences in %,d executions, mean batch %.2f [%s]; queue %s, compute %s+%s+%s\n",
        model.name(),
        model.inferences(),
        model.executions(),
        model.meanBatch(),
        batches(model.batches()),
        Times.micros(model.queue().meanMicros()),
        Times.micros(model.computeInput().meanMicros()),
        Times.micros(model.computeInfer().meanMicros()),
        Times.micros(model.computeOutput().meanMicros()));
  }

  private static String client(LoadResult result) {
    LoadResult.Cost cost = result.cost();
    String text =
        format(
            "  this tool: %s of CPU for each request, %s of it in its sending threads, the busiest of which ran"
                + " %.0f %% of the time\n",
            Times.micros(cost.client()),
            Times.micros(cost.clientThreads()),
            100 * cost.busiestLoop());
    if (cost.busiestLoop() > LoadResult.BUSY_CLIENT) {
      text +=
          "  WARNING: this tool is the bottleneck; the figures may be its own."
              + " Try --client-threads or more channels.\n";
    } else if (result.isLate()) {
      text +=
          "  WARNING: requests were sent late, which is in the latencies; this tool or its machine"
              + " could not keep the times.\n";
    }
    return text;
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
          format(
              "%s%d:%.0f%%",
              range ? end / 2 + 1 + "-" : "", end, 100.0 * entry.getValue() / total));
    }
    return text.toString();
  }

  /** The power of two that is not below the size. */
  private static long rangeEnd(long size) {
    return size <= 1 ? size : Long.highestOneBit(size - 1) << 1;
  }

  /** Rows under each other, the first column to the left and the others to the right. */
  static void align(StringBuilder text, List<List<String>> rows) {
    int columns = rows.getFirst().size();
    int[] widths = new int[columns];
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        widths[i] = Math.max(widths[i], row.get(i).length());
      }
    }
    for (List<String> row : rows) {
      for (int i = 0; i < columns; i++) {
        String pad = " ".repeat(widths[i] - row.get(i).length());
        text.append(i == 0 ? row.get(i) + pad : "  " + pad + row.get(i));
      }
      text.append('\n');
    }
  }

  @FormatMethod
  private static String format(@FormatString String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
