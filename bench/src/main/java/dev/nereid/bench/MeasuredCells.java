package dev.nereid.bench;

import static dev.nereid.bench.ProtocolsReport.is;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The points of a comparison that were measured, and what can be compared among them. */
record MeasuredCells(Collection<JsonNode> cells) {
  /** Those without an error. */
  static MeasuredCells of(Collection<JsonNode> all) {
    return new MeasuredCells(all.stream().filter(cell -> !cell.has("error")).toList());
  }

  /** gRPC over HTTP binary, wherever both were measured. */
  List<SpeedRatio> grpcOverHttp(Predicate<JsonNode> which) {
    List<SpeedRatio> all = new ArrayList<>();
    for (JsonNode grpc : cells) {
      if (is(grpc, "route", Route.GRPC.id()) && which.test(grpc)) {
        for (JsonNode http : cells) {
          if (is(http, "route", Route.BINARY.id())
              && isPerCall(http) == isPerCall(grpc)
              && http.path("payload").equals(grpc.path("payload"))
              && samePoint(http, grpc)) {
            all.add(SpeedRatio.of(grpc, http));
          }
        }
      }
    }
    return all;
  }

  /** A channel for each call over one shared channel, on the same way. */
  List<SpeedRatio> perCallOverShared(Route route) {
    List<SpeedRatio> all = new ArrayList<>();
    for (JsonNode each : cells) {
      for (JsonNode shared : cells) {
        if (isPerCall(each)
            && !isPerCall(shared)
            && is(each, "route", route.id())
            && is(shared, "route", route.id())
            && each.path("payload").equals(shared.path("payload"))
            && samePoint(each, shared)) {
          all.add(SpeedRatio.of(each, shared));
        }
      }
    }
    return all;
  }

  /** Pictures in their files over the fastest tensors at the same point. */
  List<SpeedRatio> filesOverTensors(String link) {
    List<SpeedRatio> all = new ArrayList<>();
    for (JsonNode file : cells) {
      if (is(file, "payload", "encoded") && is(file, "link", link)) {
        JsonNode best = bestTensors(file);
        if (best != null) {
          all.add(SpeedRatio.of(file, best));
        }
      }
    }
    return all;
  }

  private @Nullable JsonNode bestTensors(JsonNode point) {
    JsonNode best = null;
    for (JsonNode cell : cells) {
      if (!is(cell, "payload", "encoded")
          && !isSmallTensor(cell)
          && !isPerCall(cell)
          && samePoint(cell, point)
          && (best == null || SpeedRatio.of(cell, best).value() > 1)) {
        best = cell;
      }
    }
    return best;
  }

  private static boolean samePoint(JsonNode a, JsonNode b) {
    for (String member : List.of("target", "link", "batch", "concurrency")) {
      if (!a.path(member).equals(b.path(member))) {
        return false;
      }
    }
    return true;
  }

  static boolean isPerCall(JsonNode cell) {
    return cell.path("per_call").booleanValue();
  }

  static boolean isSmallTensor(JsonNode cell) {
    return cell.has("tensor_bytes");
  }

  static boolean isLoopback(JsonNode cell) {
    return is(cell, "link", Link.LOOPBACK.name());
  }

  /** Of a small tensor its own bytes, and else all that a request takes on the wire. */
  static double bytes(JsonNode cell) {
    return isSmallTensor(cell)
        ? cell.path("tensor_bytes").doubleValue()
        : cell.path("run").path("wire_bytes_out_per_request").doubleValue();
  }
}
