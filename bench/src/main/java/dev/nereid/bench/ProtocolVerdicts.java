package dev.nereid.bench;

import static dev.nereid.bench.MeasuredCells.isLoopback;
import static dev.nereid.bench.MeasuredCells.isPerCall;
import static dev.nereid.bench.MeasuredCells.isSmallTensor;
import static dev.nereid.bench.ProtocolsReport.format;
import static dev.nereid.bench.ProtocolsReport.is;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import tools.jackson.databind.JsonNode;

/**
 * What a comparison says about known sentences: that gRPC is at least as fast as HTTP with small
 * requests on loopback; that it is slower for one picture, 1.4 to 1.7 times faster from four, worse
 * with sixteen in flight; and that pictures sent as JPEG beat tensors everywhere. Those about gRPC
 * and pictures are looked at with one shared channel and, where that was measured, with a channel
 * for each call, which is how they came about. Every word follows from the points measured.
 *
 * @param processors of this machine
 */
record ProtocolVerdicts(Collection<JsonNode> cells, List<Link> links, int processors) {
  /** A difference that does not matter, for a sentence that says "at least". */
  private static final double MARGIN = 0.05;

  private static final double CLAIMED_GAIN = 1.4;
  private static final double BROKEN_DOWN = 0.7;
  private static final int SMALL_BYTES = 64 << 10;
  private static final int FOUR = 4;
  private static final int SIXTEEN = 16;

  private static final Claim SMALL =
      new Claim(
          "Up to 64 KB gRPC is at least as fast as HTTP at every point on loopback",
          1 - MARGIN,
          Double.POSITIVE_INFINITY,
          1);

  /** A sentence about gRPC and pictures, and the points that it is about. */
  private record Known(Claim claim, Predicate<JsonNode> points) {}

  private static final List<Known> KNOWN =
      List.of(
          new Known(
              Claim.below("gRPC is slower at batch 1", 1),
              c -> number(c, "batch") == 1 && number(c, "concurrency") == 1),
          new Known(
              Claim.atLeast("gRPC is 1.4 to 1.7 times faster from batch 4", CLAIMED_GAIN),
              c -> number(c, "batch") >= FOUR && number(c, "concurrency") == 1),
          new Known(
              Claim.below("gRPC breaks down at 16 in flight", BROKEN_DOWN),
              c -> number(c, "concurrency") >= SIXTEEN));

  String text() {
    MeasuredCells measured = MeasuredCells.of(cells);
    StringBuilder text = new StringBuilder("\n## gRPC over HTTP binary\n\n");
    overview(text, measured);
    StringBuilder lines = new StringBuilder();
    StringBuilder rows = new StringBuilder();
    for (Known known : KNOWN) {
      for (boolean perCall : new boolean[] {false, true}) {
        known(lines, rows, measured, known, perCall);
      }
    }
    files(lines, rows, measured);
    if (!lines.isEmpty()) {
      text.append("\n## Known verdicts\n\n").append(lines);
    }
    if (!rows.isEmpty()) {
      text.append(
          """

          | sentence | channels | link | verdict | points for, against, neither | ratios: least, median, greatest |
          |---|---|---|---|---|---|
          """);
      text.append(rows);
    }
    new ProtocolCauses(measured, links).write(text);
    text.append(
        format(
            """

            Ratios are of images per second, with FP32 where gRPC is compared with HTTP. Each has an interval, from how far
            the halves forth and back are apart at all points of its kind; all points of a line lie in theirs with 95 %%
            confidence. A sentence holds where the interval of every point is as it says, does not hold where that of one is
            not, and is not distinguishable otherwise. "At least as fast" allows for %.0f %%.
            """,
            100 * MARGIN));
    return text.toString();
  }

  private void known(
      StringBuilder text, StringBuilder rows, MeasuredCells cells, Known known, boolean perCall) {
    String how = perCall ? "a channel for each call" : "one shared channel";
    Predicate<JsonNode> kind = c -> isPerCall(c) == perCall && !isSmallTensor(c);
    Claim.Outcome all = Claim.Outcome.NONE;
    for (Link link : links) {
      Predicate<JsonNode> alike = kind.and(c -> is(c, "link", link.name()));
      List<SpeedRatio> ratios =
          cells.grpcOverHttp(alike.and(c -> is(c, "payload", "fp32")).and(known.points));
      Claim.Outcome here = outcome(known.claim, ratios, cells.grpcOverHttp(alike));
      row(rows, known.claim, how, link.name(), ratios, here);
      all = all.plus(here);
    }
    line(text, known.claim, how, all);
  }

  private void files(StringBuilder text, StringBuilder rows, MeasuredCells cells) {
    Claim claim = Claim.atLeast("JPEG wins everywhere", 1);
    String how = "every way to send it, over the best way to send tensors";
    Claim.Outcome all = Claim.Outcome.NONE;
    for (Link link : links) {
      List<SpeedRatio> ratios = cells.filesOverTensors(link.name());
      Claim.Outcome here = outcome(claim, ratios, ratios);
      row(rows, claim, "-", link.name(), ratios, here);
      all = all.plus(here);
    }
    line(text, claim, how, all);
  }

  private static Claim.Outcome outcome(
      Claim claim, List<SpeedRatio> ratios, List<SpeedRatio> alike) {
    return ratios.isEmpty() ? Claim.Outcome.NONE : claim.of(SpeedRatio.intervals(ratios, alike));
  }

  private static void line(StringBuilder text, Claim claim, String how, Claim.Outcome outcome) {
    int points = outcome.confirmed() + outcome.contradicted() + outcome.open();
    if (points > 0) {
      text.append(
          format(
              "* \"%s\" (%s): **%s**. Of %d points %d say so, %d the contrary, %d neither beyond chance.\n",
              claim.text(),
              how,
              outcome.verdict().words(),
              points,
              outcome.confirmed(),
              outcome.contradicted(),
              outcome.open()));
    }
  }

  private static void row(
      StringBuilder rows,
      Claim claim,
      String how,
      String link,
      List<SpeedRatio> ratios,
      Claim.Outcome outcome) {
    if (!ratios.isEmpty()) {
      rows.append(
          format(
              "| %s | %s | %s | %s | %d, %d, %d | %s |\n",
              claim.text(),
              how,
              link,
              outcome.verdict().words(),
              outcome.confirmed(),
              outcome.contradicted(),
              outcome.open(),
              ProtocolCauses.spread(ratios)));
    }
  }

  private void overview(StringBuilder text, MeasuredCells measured) {
    List<SpeedRatio> all = measured.grpcOverHttp(c -> !isPerCall(c));
    List<SpeedRatio> loopback = all.stream().filter(r -> isLoopback(r.cell())).toList();
    small(text, loopback);
    List<SpeedRatio> large =
        loopback.stream().filter(r -> MeasuredCells.bytes(r.cell()) > SMALL_BYTES).toList();
    text.append(
        format(
            "Larger ones on loopback: %d points. Ratios: %s. HTTP/2 cuts them into frames, most of 16 KB, which"
                + " both sides pack, count against two windows and join; HTTP/1.1 sends them as they are.\n",
            large.size(), ratios(large)));
    List<SpeedRatio> slow = all.stream().filter(r -> !isLoopback(r.cell())).toList();
    text.append(format("On the slower links: %d points. Ratios: %s.\n", slow.size(), ratios(slow)));
    costs(text, loopback);
  }

  /** The first sentence: small tensors and small pictures, whose noise differs, are two kinds. */
  private void small(StringBuilder text, List<SpeedRatio> loopback) {
    List<SpeedRatio> points = new ArrayList<>();
    List<Interval> intervals = new ArrayList<>();
    for (boolean tensors : new boolean[] {true, false}) {
      List<SpeedRatio> alike =
          loopback.stream().filter(r -> isSmallTensor(r.cell()) == tensors).toList();
      List<SpeedRatio> of =
          alike.stream().filter(r -> MeasuredCells.bytes(r.cell()) <= SMALL_BYTES).toList();
      points.addAll(of);
      intervals.addAll(of.isEmpty() ? List.of() : SpeedRatio.intervals(of, alike));
    }
    text.append(
        format(
            "Requests up to 64 KB on loopback: %d points. Ratios: %s.\n",
            points.size(), ratios(points)));
    line(text, SMALL, "one shared channel", SMALL.of(intervals));
    for (int i = 0; i < points.size(); i++) {
      if (SMALL.at(intervals.get(i)) == Claim.Verdict.DOES_NOT_HOLD) {
        text.append(why(points.get(i), intervals.get(i)));
      }
    }
  }

  /** Why gRPC is behind at a point. */
  private String why(SpeedRatio ratio, Interval interval) {
    return format(
        "  * %s: %.2f (%.2f to %.2f; forth %.2f, back %.2f); %s.\n",
        point(ratio.cell()),
        ratio.value(),
        interval.low(),
        interval.high(),
        ratio.half(0),
        ratio.half(1),
        ProtocolCosts.compared(
            ProtocolCosts.of(ratio.cell()), ProtocolCosts.of(ratio.other()), processors));
  }

  private static String point(JsonNode cell) {
    return format(
        "%s, %s, batch %d, %d in flight",
        cell.path("target").asString(""),
        cell.path("payload").asString(""),
        number(cell, "batch"),
        number(cell, "concurrency"));
  }

  /** The costs of both protocols beside their ratios: which side explains them can be read off. */
  private void costs(StringBuilder text, List<SpeedRatio> ratios) {
    if (ratios.isEmpty()) {
      return;
    }
    text.append(
        """

        On loopback, gRPC over HTTP: images per second; processor time of a request in the server and in this tool;
        what limited gRPC.

        | point | bytes | images/s | server | tool | limited by |
        |---|---|---|---|---|---|
        """);
    for (SpeedRatio ratio : ratios) {
      ProtocolCosts grpc = ProtocolCosts.of(ratio.cell());
      ProtocolCosts http = ProtocolCosts.of(ratio.other());
      Double server = grpc.serverMicros();
      Double other = http.serverMicros();
      text.append(
          format(
              "| %s | %,.0f | %.2f | %s | %.2f | %s |\n",
              point(ratio.cell()),
              MeasuredCells.bytes(ratio.cell()),
              ratio.value(),
              server == null || other == null ? "-" : format("%.2f", server / other),
              grpc.toolMicros() / http.toolMicros(),
              grpc.limit(processors)));
    }
  }

  private static String ratios(List<SpeedRatio> ratios) {
    return ProtocolsReport.ratios(ratios.stream().map(SpeedRatio::value).toList());
  }

  private static int number(JsonNode cell, String member) {
    return cell.path(member).intValue();
  }
}
