package dev.nereid.bench;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
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
  private static final String ONE_CHANNEL = "one channel";

  /** By how much a pool must be better in throughput or p99, and may not be worse in the other. */
  private static final double TENTH = 0.1;

  /** What a pool may cost the server more, as noise. */
  private static final double SAME_CPU = 1.05;

  /** One cell over another; null where one of them does not say. */
  private record Ratios(
      double throughput, @Nullable Double p99, @Nullable Double cpu, @Nullable Double memory) {

    static Ratios of(JsonNode pool, JsonNode one) {
      return new Ratios(
          rate(pool) / rate(one),
          ratio(pool, one, "/run/latency/p99"),
          ratio(pool, one, "/run/server_cpu_per_request"),
          ratio(pool, one, "/server_memory"));
    }

    /** What speaks against the pool, or nothing. */
    String objection() {
      boolean shorter = p99 != null && p99 <= 1 - TENTH;
      if (throughput < 1 + TENTH && !shorter) {
        return "nothing better by a tenth";
      }
      List<String> all = new ArrayList<>();
      if (throughput <= 1 - TENTH) {
        all.add(format("throughput %.2f", throughput));
      }
      if (p99 != null && p99 >= 1 + TENTH) {
        all.add(format("p99 %.2f", p99));
      }
      if (cpu != null && cpu > SAME_CPU) {
        all.add(format("server CPU %.2f", cpu));
      }
      return String.join(", ", all);
    }
  }

  String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        format(
            "Machine: %s, %d processors, %s, JDK %s; date %s; commit %s. Server: %s.\n",
            environment.cpu(),
            environment.processors(),
            environment.os(),
            environment.jdk(),
            environment.date(),
            environment.commit(),
            server()));
    text.append(ProtocolsReport.halves(cells.values())).append('\n');
    text.append(
        "| streams | channels | connections | req/s | p50 | p99 | failed | mean batch | batches | server CPU | server"
            + " memory | this tool |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    cells.values().forEach(cell -> text.append(row(cell)));
    text.append("\n## What to decide by\n\n");
    decisions(text);
    return text.toString();
  }

  /** What was pressed; how many channels is what the tables tell. */
  private String server() {
    Map<String, String> pressed = new LinkedHashMap<>(target);
    pressed.remove("channels");
    return TargetOptions.line(pressed);
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

        Ratios are of the best pool over one channel: of the fastest that is worth it, or else of the fastest. A pool is
        worth its connections where it raises throughput by a tenth or shortens p99 by as much, without the other getting
        worse by a tenth, and costs the server at most 5 % more processor time for each request; otherwise the verdict says
        what speaks against it.

        Batches may depend on the channels. A model that does not wait for more computes what has come by the time an
        instance is idle. Few requests that come over one connection come together, as the server reads it in one go, and
        make a larger batch than the same requests over several connections, which are read one after the other; of
        thousands, several connections may bring more by then than one, which a single thread reads. With a queue delay, or
        where the model is slower than the requests come, the sizes are the same however many channels there are;
        `benchmarks/shared-batches.sh` shows that.
        """);
  }

  private static String decision(int streams, List<JsonNode> at) {
    JsonNode one = null;
    List<JsonNode> pools = new ArrayList<>();
    for (JsonNode cell : at) {
      if (cell.path("channels").intValue() == 1) {
        one = cell;
      } else {
        pools.add(cell);
      }
    }
    if (one == null || pools.isEmpty()) {
      return format(
          "| %,d | %s | - | - | - | - | - | %s |\n",
          streams,
          one == null ? "-" : format("%,.0f/s", rate(one)),
          one == null ? "-" : ONE_CHANNEL);
    }
    JsonNode best = best(pools, one);
    Ratios ratios = Ratios.of(best, one);
    int channels = best.path("channels").intValue();
    String objection = ratios.objection();
    return format(
        "| %,d | %,.0f/s | %d | %.2f | %s | %s | %s | %s |\n",
        streams,
        rate(one),
        channels,
        ratios.throughput,
        text(ratios.p99),
        text(ratios.cpu),
        text(ratios.memory),
        objection.isEmpty() ? channels + " channels" : ONE_CHANNEL + ": " + objection);
  }

  /** The fastest of the pools that are worth it, or if none is, of all. */
  private static JsonNode best(List<JsonNode> pools, JsonNode one) {
    List<JsonNode> worth =
        pools.stream().filter(pool -> Ratios.of(pool, one).objection().isEmpty()).toList();
    return Collections.max(
        worth.isEmpty() ? pools : worth, Comparator.comparingDouble(ConnectionsReport::rate));
  }

  private static double rate(JsonNode cell) {
    return cell.path("run").path("throughput").doubleValue();
  }

  private static @Nullable Double ratio(JsonNode a, JsonNode b, String pointer) {
    JsonNode first = a.at(pointer);
    JsonNode second = b.at(pointer);
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
