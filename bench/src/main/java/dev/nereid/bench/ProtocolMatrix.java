package dev.nereid.bench;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/**
 * Which points are measured. All would take a day on a slow link; what is left out is what its
 * neighbours tell as well.
 *
 * @param whole leaves nothing out
 */
record ProtocolMatrix(
    List<String> targets,
    List<Payload> payloads,
    List<Integer> batches,
    List<Integer> concurrencies,
    List<Link> links,
    boolean whole) {
  private static final Set<Integer> ENDS = Set.of(1, 4, 32);
  private static final double LONGEST_SECONDS = 6;

  /** The points in the order in which they are measured, and what is left out. */
  record Plan(List<ProtocolCell> cells, int prunedCount) {}

  Plan plan() {
    List<ProtocolCell> chosen = new ArrayList<>();
    int pruned = 0;
    for (ProtocolCell cell : all()) {
      if (whole || isWorth(cell)) {
        chosen.add(cell);
      } else {
        pruned++;
      }
    }
    // What matters most comes first, in case time runs out; ways that are compared stand together.
    chosen.sort(
        Comparator.comparingInt(ProtocolMatrix::rank)
            .thenComparingInt(cell -> links.indexOf(cell.link()))
            .thenComparingInt(ProtocolCell::concurrency)
            .thenComparingInt(ProtocolCell::batch)
            .thenComparing(ProtocolCell::payload));
    return new Plan(chosen, pruned);
  }

  private List<ProtocolCell> all() {
    List<ProtocolCell> all = new ArrayList<>();
    for (String target : targets) {
      for (Link link : links) {
        for (Route route : Route.values()) {
          for (Payload payload : payloads) {
            if (route.carries(payload)) {
              add(all, target, link, route, payload);
            }
          }
        }
      }
    }
    return all;
  }

  private void add(List<ProtocolCell> all, String target, Link link, Route route, Payload payload) {
    for (int batch : batches) {
      for (int concurrency : concurrencies) {
        all.add(new ProtocolCell(target, route, payload, batch, concurrency, link, false));
        boolean original =
            payload == Payload.FP32 && (route == Route.GRPC || route == Route.BINARY);
        if (original && !link.isLoopback()) {
          all.add(new ProtocolCell(target, route, payload, batch, concurrency, link, true));
        }
      }
    }
  }

  private boolean isWorth(ProtocolCell cell) {
    boolean middlePayload = cell.payload() == Payload.UINT8 || cell.payload() == Payload.FP16;
    boolean atAnEnd = ENDS.contains(cell.batch());
    boolean middleLoad = cell.concurrency() != 1 && cell.concurrency() != 16;
    if (cell.link().isLoopback()) {
      return !middlePayload || atAnEnd;
    }
    double seconds =
        cell.link().bytesPerSecond() == 0
            ? 0
            : cell.payloadBytes() * cell.concurrency() / cell.link().bytesPerSecond();
    boolean slow = seconds > LONGEST_SECONDS && cell.concurrency() > 1;
    boolean huge = cell.route() == Route.JSON && cell.batch() > 1;
    return atAnEnd && !middleLoad && !slow && !huge && !(middlePayload && cell.concurrency() > 1);
  }

  private static int rank(ProtocolCell cell) {
    return (isDirect(cell) ? 0 : 2) + (cell.link().isLoopback() ? 0 : 1);
  }

  /** Whether nothing stands before the model, or what a server does with pictures anyway. */
  static boolean isDirect(ProtocolCell cell) {
    return cell.payload() == Payload.FP32 || cell.payload() == Payload.ENCODED;
  }
}
