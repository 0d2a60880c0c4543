package dev.nereid.bench;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/**
 * Which points are measured. All would take a day on a slow link; what is left out is what its
 * neighbours tell as well.
 *
 * @param tensors sizes of the small tensors in bytes
 * @param whole leaves nothing out
 */
record ProtocolMatrix(
    List<String> targets,
    List<Payload> payloads,
    List<Integer> batches,
    List<Integer> concurrencies,
    List<Link> links,
    List<Integer> tensors,
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
            .thenComparingInt(ProtocolCell::tensorBytes)
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
        if (payload == Payload.TENSOR) {
          addTensors(
              all, new ProtocolCell(target, route, payload, 0, batch, concurrency, link, false));
          continue;
        }
        all.add(new ProtocolCell(target, route, payload, 0, batch, concurrency, link, false));
        boolean original =
            payload == Payload.FP32 && (route == Route.GRPC || route == Route.BINARY);
        if (original && !link.isLoopback()) {
          all.add(new ProtocolCell(target, route, payload, 0, batch, concurrency, link, true));
        }
      }
    }
  }

  /** Small tensors are about what a request costs, which a slow link would hide. */
  private void addTensors(List<ProtocolCell> all, ProtocolCell like) {
    if (like.link().isLoopback()) {
      for (int bytes : tensors) {
        all.add(
            new ProtocolCell(
                like.target(),
                like.route(),
                like.payload(),
                bytes,
                like.batch(),
                like.concurrency(),
                like.link(),
                false));
      }
    }
  }

  private boolean isWorth(ProtocolCell cell) {
    if (cell.payload() == Payload.TENSOR) {
      boolean least = cell.batch() == Collections.min(batches);
      return least || (cell.batch() == Collections.max(batches) && cell.route() != Route.JSON);
    }
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
    if (cell.payload() == Payload.TENSOR) {
      return -1;
    }
    return (isDirect(cell) ? 0 : 2) + (cell.link().isLoopback() ? 0 : 1);
  }

  /** Whether nothing stands before the model, or what a server does with pictures anyway. */
  static boolean isDirect(ProtocolCell cell) {
    return cell.payload() == Payload.FP32 || cell.payload() == Payload.ENCODED;
  }
}
