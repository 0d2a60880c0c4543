package dev.nereid.bench;

import com.google.errorprone.annotations.FormatMethod;
import com.google.errorprone.annotations.FormatString;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/**
 * A protocol comparison as Markdown: tables of images per second and latency, bytes and processor
 * time, the ratio of gRPC to HTTP, and which of the known verdicts hold.
 *
 * @param cells measured, by id
 * @param unequal ways whose answers differ, which were not measured
 * @param pruned points left out on purpose
 * @param left points for which there was no time
 */
record ProtocolsReport(
    Environment environment,
    List<Link> links,
    Map<String, JsonNode> cells,
    Map<String, String> unequal,
    int pruned,
    int left) {
  private static final Columns BATCHES = new Columns("batch", batch -> "batch " + batch);

  /** What the columns of a table are about. */
  private record Columns(String member, Function<Integer, String> title) {}

  String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        format(
            "Machine: %s, %d processors, %s, JDK %s; date %s; commit %s.\n\n",
            environment.cpu(),
            environment.processors(),
            environment.os(),
            environment.jdk(),
            environment.date(),
            environment.commit()));
    text.append(
        format(
            "%d points measured, %d left out because their neighbours tell the same, %d not reached in time.\n",
            cells.size(), pruned, left));
    text.append(halves(cells.values()));
    unequal.forEach(
        (way, why) ->
            text.append("Not compared: ").append(way).append(", ").append(why).append(".\n"));
    tensors(text, cells.values().stream().filter(MeasuredCells::isSmallTensor).toList());
    for (Link link : links) {
      List<JsonNode> of =
          cells.values().stream()
              .filter(c -> is(c, "link", link.name()) && !MeasuredCells.isSmallTensor(c))
              .toList();
      if (!of.isEmpty()) {
        section(text, link, of);
      }
    }
    text.append(new ProtocolVerdicts(cells.values(), links, environment.processors()).text());
    return text.toString();
  }

  /** How far the two halves of the points are from each other, which says how much is noise. */
  static String halves(Collection<JsonNode> cells) {
    List<Double> apart = new ArrayList<>();
    for (JsonNode cell : cells) {
      double forth = cell.path("halves").path(0).asDouble(0);
      double back = cell.path("halves").path(1).asDouble(0);
      if (forth > 0 && back > 0) {
        apart.add(100 * Math.abs(forth - back) / Math.max(forth, back));
      }
    }
    Collections.sort(apart);
    return apart.isEmpty()
        ? ""
        : format(
            "Points that are compared with each other were measured forth and back; the two halves of"
                + " a point differ by %.1f %% at the median, nine of ten points by less than %.1f %%.\n",
            apart.get(apart.size() / 2), apart.get(apart.size() * 9 / 10));
  }

  /** Tables of small tensors: a row for each way and batch, a column for each size. */
  private static void tensors(StringBuilder text, List<JsonNode> cells) {
    if (cells.isEmpty()) {
      return;
    }
    text.append("\n## Small tensors on loopback\n");
    Columns sizes = new Columns("tensor_bytes", ProtocolsReport::size);
    for (int concurrency : values(cells, "concurrency")) {
      List<JsonNode> at =
          cells.stream().filter(c -> c.path("concurrency").intValue() == concurrency).toList();
      text.append(
          format(
              "\n%d in flight: requests per second (mean latency of a request)\n\n", concurrency));
      table(text, at, sizes, ProtocolsReport::rate);
      text.append(
          format(
              "\n%d in flight: processor time of a request, server + tool (processors kept busy by each)\n\n",
              concurrency));
      table(text, at, sizes, ProtocolsReport::processor);
    }
  }

  private static String size(int bytes) {
    return bytes % 1024 == 0 ? format("%,d KB", bytes / 1024) : format("%,d B", bytes);
  }

  private static void section(StringBuilder text, Link link, List<JsonNode> cells) {
    text.append("\n## ").append(link.described()).append('\n');
    for (int concurrency : values(cells, "concurrency")) {
      List<JsonNode> at =
          cells.stream().filter(c -> c.path("concurrency").intValue() == concurrency).toList();
      text.append(
          format("\n%d in flight: images per second (mean latency of a request)\n\n", concurrency));
      table(text, at, BATCHES, ProtocolsReport::speed);
      text.append(
          format(
              "\n%d in flight: processor time of a request, server + tool (processors kept busy by each)\n\n",
              concurrency));
      table(text, at, BATCHES, ProtocolsReport::processor);
    }
    if (link.isLoopback()) {
      text.append("\nBytes on the wire for each picture, to the server and back\n\n");
      table(text, cells, BATCHES, ProtocolsReport::bytes);
    }
  }

  /** A row for each way, a column for each value; of several cells in one place the last counts. */
  private static void table(
      StringBuilder text,
      List<JsonNode> cells,
      Columns columns,
      Function<JsonNode, String> figure) {
    Collection<Integer> values = values(cells, columns.member);
    Map<String, Map<Integer, String>> rows = new LinkedHashMap<>();
    for (JsonNode cell : cells) {
      rows.computeIfAbsent(way(cell), _ -> new LinkedHashMap<>())
          .put(cell.path(columns.member).intValue(), figure.apply(cell));
    }
    text.append("| way | ");
    text.append(values.stream().map(columns.title).collect(Collectors.joining(" | ")));
    text.append(" |\n|---|").append("---|".repeat(values.size())).append('\n');
    rows.forEach(
        (way, figures) -> {
          text.append("| ").append(way).append(" | ");
          text.append(
              values.stream()
                  .map(batch -> figures.getOrDefault(batch, "-"))
                  .collect(Collectors.joining(" | ")));
          text.append(" |\n");
        });
  }

  private static String way(JsonNode cell) {
    Route route = Route.valueOf(cell.path("route").asString("").toUpperCase(Locale.ROOT));
    return cell.path("target").asString("")
        + ", "
        + route.label()
        + ", "
        + (MeasuredCells.isSmallTensor(cell)
            ? "batch " + cell.path("batch").intValue()
            : cell.path("payload").asString(""))
        + (cell.path("per_call").booleanValue() ? ", channel per call" : "");
  }

  private static String speed(JsonNode cell) {
    if (cell.has("error")) {
      return "failed";
    }
    JsonNode mean = cell.path("run").path("latency").path("mean");
    long failed = cell.path("run").path("failed").longValue();
    return format(
        "%,.1f (%s)%s",
        cell.path("images_per_second").doubleValue(),
        Times.micros(mean.doubleValue()),
        failed == 0 ? "" : format(", %,d failed", failed));
  }

  private static String rate(JsonNode cell) {
    if (cell.has("error")) {
      return "failed";
    }
    JsonNode run = cell.path("run");
    return format(
        "%,.0f (%s)",
        run.path("throughput").doubleValue(),
        Times.micros(run.path("latency").path("mean").doubleValue()));
  }

  private static String bytes(JsonNode cell) {
    if (cell.has("error")) {
      return "failed";
    }
    JsonNode run = cell.path("run");
    double batch = cell.path("batch").intValue();
    return format(
        "%,.0f + %,.0f",
        run.path("wire_bytes_out_per_request").doubleValue() / batch,
        run.path("wire_bytes_in_per_request").doubleValue() / batch);
  }

  private static String processor(JsonNode cell) {
    return cell.has("error") ? "failed" : ProtocolCosts.of(cell).text();
  }

  static boolean is(JsonNode cell, String member, String value) {
    return cell.path(member).asString("").equals(value);
  }

  private static Collection<Integer> values(List<JsonNode> cells, String member) {
    return cells.stream()
        .map(cell -> cell.path(member).intValue())
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @FormatMethod
  static String format(@FormatString String pattern, Object... values) {
    return String.format(Locale.ROOT, pattern, values);
  }

  /** Ratios in one line. */
  static String ratios(List<Double> ratios) {
    List<String> texts = new ArrayList<>();
    ratios.stream().sorted().forEach(ratio -> texts.add(format("%.2f", ratio)));
    return texts.isEmpty() ? "none measured" : String.join(", ", texts);
  }
}
