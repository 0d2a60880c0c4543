package dev.nereid.bench;

import static dev.nereid.bench.ProtocolsReport.format;
import static dev.nereid.bench.ProtocolsReport.is;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What a comparison says about four known sentences: that gRPC is slower than HTTP for one picture,
 * 1.4 to 1.7 times faster from four, worse with sixteen in flight, and that pictures sent as JPEG
 * beat tensors everywhere. Each is looked at with one shared channel and, where that was measured,
 * with a channel for each call, which is how they came about.
 *
 * @param processors of this machine
 */
record ProtocolVerdicts(Collection<JsonNode> cells, int processors) {
  private static final double NOISE = 0.05;
  private static final double CLAIMED_GAIN = 1.4;
  private static final int SMALL_BYTES = 64 << 10;

  /** Images per second of one way over those of another, at the same point. */
  private record Ratio(JsonNode cell, JsonNode other, double value) {
    boolean isBehind() {
      return value < 1 - NOISE;
    }

    /** The same of one of the two halves; 1 where it is not known. */
    double half(int index) {
      double one = cell.path("halves").path(index).doubleValue();
      double two = other.path("halves").path(index).doubleValue();
      return one > 0 && two > 0 ? one / two : 1;
    }
  }

  String text() {
    StringBuilder text = new StringBuilder("\n## gRPC over HTTP binary\n\n");
    overview(text);
    text.append("\n## Known verdicts\n\n");
    for (boolean perCall : new boolean[] {false, true}) {
      String how = perCall ? "a channel for each call" : "one shared channel";
      Predicate<JsonNode> tensors = c -> is(c, "payload", "fp32") && isPerCall(c) == perCall;
      List<Double> one = values(tensors.and(c -> c.path("batch").intValue() == 1 && alone(c)));
      List<Double> four = values(tensors.and(c -> c.path("batch").intValue() >= 4 && alone(c)));
      List<Double> many = values(tensors.and(c -> c.path("concurrency").intValue() >= 16));
      if (one.size() + four.size() + many.size() == 0) {
        continue;
      }
      line(text, "gRPC is slower at batch 1", how, one, all(one, r -> r < 1 - NOISE));
      line(
          text,
          "gRPC is 1.4 to 1.7 times faster from batch 4",
          how,
          four,
          all(four, r -> r >= CLAIMED_GAIN));
      line(text, "gRPC breaks down at 16 in flight", how, many, all(many, r -> r < 0.7));
    }
    jpeg(text);
    text.append(
        """

        Ratios are images per second, gRPC over HTTP, tensors of FP32. With a channel for each call every request pays
        for a connection, for HTTP/2's settings and for TCP and flow control beginning anew; with one shared channel
        that is gone. A comparison of the two transports without naming the channels compares clients. Pictures sent as
        files win by the bytes they save wherever the link is the bottleneck; on loopback the server pays for decoding
        them, and gains where fewer bytes to receive are worth more than that.
        """);
    return text.toString();
  }

  private void overview(StringBuilder text) {
    List<Ratio> all = ratios(c -> !isPerCall(c));
    List<Ratio> small =
        all.stream().filter(r -> isLoopback(r.cell) && bytes(r.cell) <= SMALL_BYTES).toList();
    List<Ratio> large =
        all.stream().filter(r -> isLoopback(r.cell) && bytes(r.cell) > SMALL_BYTES).toList();
    long behind = small.stream().filter(Ratio::isBehind).count();
    text.append(
        format(
            "Requests up to 64 KB on loopback: %d points, gRPC behind by more than 5 %% at %d. Ratios: %s.\n",
            small.size(),
            behind,
            ProtocolsReport.ratios(small.stream().map(Ratio::value).toList())));
    small.stream().filter(Ratio::isBehind).forEach(ratio -> text.append(why(ratio)));
    text.append(
        format(
            "Larger ones on loopback: %d points. Ratios: %s. HTTP/2 cuts them into frames, most of 16 KB, which"
                + " both sides pack, count against two windows and join; HTTP/1.1 sends them as they are.\n",
            large.size(), ProtocolsReport.ratios(large.stream().map(Ratio::value).toList())));
    List<Double> slow = all.stream().filter(r -> !isLoopback(r.cell)).map(Ratio::value).toList();
    text.append(
        format(
            "On the slower links: %d points. Ratios: %s.\n",
            slow.size(), ProtocolsReport.ratios(slow)));
    costs(text, all.stream().filter(r -> isLoopback(r.cell)).toList());
  }

  /** Why gRPC is behind at a point, and whether both halves say so. */
  private String why(Ratio ratio) {
    boolean steady = Math.max(ratio.half(0), ratio.half(1)) < 1;
    return format(
        "* %s: %.2f (forth %.2f, back %.2f%s); %s.\n",
        point(ratio.cell),
        ratio.value,
        ratio.half(0),
        ratio.half(1),
        steady ? "" : ", so that it may be chance",
        ProtocolCosts.compared(
            ProtocolCosts.of(ratio.cell), ProtocolCosts.of(ratio.other), processors));
  }

  private static String point(JsonNode cell) {
    return format(
        "%s, %s, batch %d, %d in flight",
        cell.path("target").asString(""),
        cell.path("payload").asString(""),
        cell.path("batch").intValue(),
        cell.path("concurrency").intValue());
  }

  /** The costs of both protocols beside their ratios: which side explains them can be read off. */
  private void costs(StringBuilder text, List<Ratio> ratios) {
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
    for (Ratio ratio : ratios) {
      ProtocolCosts grpc = ProtocolCosts.of(ratio.cell);
      ProtocolCosts http = ProtocolCosts.of(ratio.other);
      Double server = grpc.serverMicros();
      Double other = http.serverMicros();
      text.append(
          format(
              "| %s | %,.0f | %.2f | %s | %.2f | %s |\n",
              point(ratio.cell),
              bytes(ratio.cell),
              ratio.value,
              server == null || other == null ? "-" : format("%.2f", server / other),
              grpc.toolMicros() / http.toolMicros(),
              grpc.limit(processors)));
    }
  }

  private void jpeg(StringBuilder text) {
    List<Double> gains = new ArrayList<>();
    for (JsonNode cell : cells) {
      if (is(cell, "payload", "encoded") && !cell.has("error")) {
        Double best = best(cell);
        if (best != null) {
          gains.add(cell.path("images_per_second").doubleValue() / best);
        }
      }
    }
    line(
        text,
        "JPEG wins everywhere",
        "every way to send it, over the best way to send tensors",
        gains,
        all(gains, g -> g > 1));
  }

  /** Images per second of the best way to send tensors at the point of a cell, or null. */
  private @Nullable Double best(JsonNode point) {
    double best = 0;
    for (JsonNode cell : cells) {
      if (!is(cell, "payload", "encoded") && !isPerCall(cell) && samePoint(cell, point)) {
        best = Math.max(best, cell.path("images_per_second").doubleValue());
      }
    }
    return best == 0 ? null : best;
  }

  private static void line(
      StringBuilder text, String claim, String how, List<Double> ratios, boolean holds) {
    if (!ratios.isEmpty()) {
      text.append(
          format(
              "* \"%s\" (%s): **%s**. Ratios: %s.\n",
              claim, how, holds ? "holds" : "does not hold", ProtocolsReport.ratios(ratios)));
    }
  }

  private static boolean all(List<Double> ratios, Predicate<Double> test) {
    return !ratios.isEmpty() && ratios.stream().allMatch(test);
  }

  private List<Double> values(Predicate<JsonNode> which) {
    return ratios(which).stream().map(Ratio::value).toList();
  }

  /** gRPC over HTTP binary, wherever both were measured. */
  private List<Ratio> ratios(Predicate<JsonNode> which) {
    List<Ratio> all = new ArrayList<>();
    for (JsonNode grpc : cells) {
      if (!is(grpc, "route", Route.GRPC.id()) || grpc.has("error") || !which.test(grpc)) {
        continue;
      }
      for (JsonNode http : cells) {
        if (is(http, "route", Route.BINARY.id())
            && !http.has("error")
            && http.path("payload").equals(grpc.path("payload"))
            && isPerCall(http) == isPerCall(grpc)
            && samePoint(http, grpc)) {
          double ratio =
              grpc.path("images_per_second").doubleValue()
                  / http.path("images_per_second").doubleValue();
          all.add(new Ratio(grpc, http, ratio));
        }
      }
    }
    return all;
  }

  private static boolean samePoint(JsonNode a, JsonNode b) {
    for (String member : List.of("target", "link", "batch", "concurrency")) {
      if (!a.path(member).equals(b.path(member))) {
        return false;
      }
    }
    return true;
  }

  private static boolean isPerCall(JsonNode cell) {
    return cell.path("per_call").booleanValue();
  }

  private static boolean isLoopback(JsonNode cell) {
    return is(cell, "link", Link.LOOPBACK.name());
  }

  private static boolean alone(JsonNode cell) {
    return cell.path("concurrency").intValue() == 1;
  }

  private static double bytes(JsonNode cell) {
    return cell.path("run").path("wire_bytes_out_per_request").doubleValue();
  }
}
