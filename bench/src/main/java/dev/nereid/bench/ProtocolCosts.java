package dev.nereid.bench;

import static dev.nereid.bench.ProtocolsReport.format;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What the requests of a measured point cost, and who was busy with them.
 *
 * @param serverMicros of processor time for each request; null where the server does not say
 * @param toolMicros the same of this tool
 * @param rate requests per second
 * @param busiestThread the share of time that this tool's busiest thread ran, 0 to 1
 * @param meanBatch of the model that worked longest; 0 where the server does not say
 */
record ProtocolCosts(
    @Nullable Double serverMicros,
    double toolMicros,
    double rate,
    double busiestThread,
    double meanBatch) {
  private static final double FULL = 0.9;

  static ProtocolCosts of(JsonNode cell) {
    JsonNode run = cell.path("run");
    JsonNode server = run.path("server_cpu_per_request");
    double longest = 0;
    double batch = 0;
    for (JsonNode model : run.path("models")) {
      double worked =
          model.path("executions").doubleValue() * model.path("compute_infer").doubleValue();
      if (worked > longest) {
        longest = worked;
        batch = model.path("mean_batch").doubleValue();
      }
    }
    return new ProtocolCosts(
        server.isNumber() ? (Double) server.doubleValue() : null,
        run.path("client_cpu_per_request").doubleValue(),
        run.path("throughput").doubleValue(),
        run.path("client_busiest_thread").doubleValue(),
        batch);
  }

  /** Processors that the server kept busy; 0 where it does not say. */
  double serverBusy() {
    return serverMicros == null ? 0 : serverMicros * rate / 1e6;
  }

  /** Processors that this tool kept busy. */
  double toolBusy() {
    return toolMicros * rate / 1e6;
  }

  /** Both costs, and how many processors they are. */
  String text() {
    return format(
        "%s + %s (%.2f + %.2f)",
        Times.micros(serverMicros), Times.micros(toolMicros), serverBusy(), toolBusy());
  }

  /** What was used up: a thread, all processors of this machine, or nothing but time. */
  String limit(int processors) {
    if (busiestThread > LoadResult.BUSY_CLIENT) {
      return "this tool's sending thread";
    }
    if (serverBusy() + toolBusy() > FULL * processors) {
      return "the processors";
    }
    return "waiting";
  }

  /** Why gRPC gets other figures than HTTP at the same point, as far as costs tell. */
  static String compared(ProtocolCosts grpc, ProtocolCosts http, int processors) {
    return format(
        "a request costs the server %s over gRPC and %s over HTTP, this tool %s and %s; batches of"
            + " %.1f and %.1f; busy %.2f + %.2f and %.2f + %.2f of %d processors (server + tool); limited by %s",
        Times.micros(grpc.serverMicros),
        Times.micros(http.serverMicros),
        Times.micros(grpc.toolMicros),
        Times.micros(http.toolMicros),
        grpc.meanBatch,
        http.meanBatch,
        grpc.serverBusy(),
        grpc.toolBusy(),
        http.serverBusy(),
        http.toolBusy(),
        processors,
        grpc.limit(processors));
  }
}
