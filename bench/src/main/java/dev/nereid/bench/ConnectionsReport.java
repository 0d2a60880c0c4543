package dev.nereid.bench;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What more channels bring, as Markdown: every point, and the table to decide by. */
record ConnectionsReport(
    Environment environment, Map<String, String> target, Map<String, JsonNode> cells) {
  private static final double WORTH = 1.1;

  String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        format(
            "Machine: %s, %d processors, %s, JDK %s; date %s; commit %s. Server: %s.\n\n",
            environment.cpu(),
            environment.processors(),
            environment.os(),
            environment.jdk(),
            environment.date(),
            environment.commit(),
            String.join(", ", target.values())));
    text.append(
        "| streams | channels | connections | req/s | p50 | p99 | failed | mean batch | batches | server CPU | server"
            + " memory | this tool |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    cells.values().forEach(cell -> text.append(row(cell)));
    text.append("\n## What to decide by\n\n");
    decisions(text);
    return text.toString();
  }

  private static String row(JsonNode cell) {
    JsonNode run = cell.path("run");
    JsonNode model = run.path("models").path(0);
    JsonNode memory = cell.path("server_memory");
    return format(
        "| %,d | %d | %d | %,.0f | %s | %s | %,d | %s | %s | %s | %s | %s%s |\n",
        cell.path("streams").intValue(),
        cell.path("channels").intValue(),
        run.path("connections").intValue(),
        run.path("throughput").doubleValue(),
        micros(run.path("latency").path("p50")),
        micros(run.path("latency").path("p99")),
        run.path("failed").longValue(),
        model.isMissingNode() ? "-" : format("%.1f", model.path("mean_batch").doubleValue()),
        batches(model.path("batches")),
        micros(run.path("server_cpu_per_request")),
        memory.isNumber() ? format("%.0f MB", memory.doubleValue() / 1e6) : "-",
        micros(run.path("client_cpu_per_request")),
        run.path("client_is_bottleneck").booleanValue() ? " (the bottleneck)" : "");
  }

  private static String batches(JsonNode sizes) {
    SortedMap<Long, Long> counts = new TreeMap<>();
    sizes
        .properties()
        .forEach(entry -> counts.put(Long.valueOf(entry.getKey()), entry.getValue().longValue()));
    return counts.isEmpty() ? "-" : ReportTable.batches(counts);
  }

  private static String micros(JsonNode value) {
    return Times.micros(value.isNumber() ? value.doubleValue() : null);
  }

  private void decisions(StringBuilder text) {
    SortedMap<Integer, List<JsonNode>> byStreams = new TreeMap<>();
    cells
        .values()
        .forEach(
            cell ->
                byStreams
                    .computeIfAbsent(cell.path("streams").intValue(), _ -> new ArrayList<>())
                    .add(cell));
    text.append(
        """
        | streams | one channel | best pool | throughput | p99 | server CPU | server memory | verdict |
        |---|---|---|---|---|---|---|---|
        """);
    byStreams.forEach((streams, at) -> text.append(decision(streams, at)));
    text.append(
        """

        Ratios are of the best pool over one channel. A pool is worth its connections where it raises throughput by more
        than a tenth, or shortens p99 by as much, and costs the server no more. Batches form from requests of all
        connections alike, so that their sizes should not depend on the channels.
        """);
  }

  private static String decision(int streams, List<JsonNode> at) {
    JsonNode one = null;
    JsonNode best = null;
    for (JsonNode cell : at) {
      if (cell.path("channels").intValue() == 1) {
        one = cell;
      } else if (best == null || rate(cell) > rate(best)) {
        best = cell;
      }
    }
    if (one == null || best == null) {
      return format(
          "| %,d | %s | - | - | - | - | - | one channel |\n",
          streams, one == null ? "-" : format("%,.0f/s", rate(one)));
    }
    double faster = rate(best) / rate(one);
    Double p99 = ratio(best, one, "latency", "p99");
    boolean worth = faster > WORTH || (p99 != null && p99 < 1 / WORTH && faster > 0.98);
    return format(
        "| %,d | %,.0f/s | %d | %.2f | %s | %s | %s | %s |\n",
        streams,
        rate(one),
        best.path("channels").intValue(),
        faster,
        text(p99),
        text(ratio(best, one, "server_cpu_per_request")),
        text(memory(best, one)),
        worth ? best.path("channels").intValue() + " channels" : "one channel");
  }

  private static double rate(JsonNode cell) {
    return cell.path("run").path("throughput").doubleValue();
  }

  private static @Nullable Double ratio(JsonNode a, JsonNode b, String... path) {
    JsonNode first = a.path("run");
    JsonNode second = b.path("run");
    for (String name : path) {
      first = first.path(name);
      second = second.path(name);
    }
    return first.isNumber() && second.isNumber() && second.doubleValue() > 0
        ? first.doubleValue() / second.doubleValue()
        : null;
  }

  private static @Nullable Double memory(JsonNode a, JsonNode b) {
    JsonNode first = a.path("server_memory");
    JsonNode second = b.path("server_memory");
    return first.isNumber() && second.isNumber() && second.doubleValue() > 0
        ? first.doubleValue() / second.doubleValue()
        : null;
  }

  private static String text(@Nullable Double ratio) {
    return ratio == null ? "-" : format("%.2f", ratio);
  }

  @FormatMethod
  private static String format(@FormatString String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }
}
