package dev.nereid.gateway;

import dev.nereid.client.TargetState;
import dev.nereid.client.UpstreamStatus;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.MetricSource;

/** The remote servers in numbers. Thread-safe. */
final class UpstreamMetrics implements MetricSource {
  private final Serving serving;

  UpstreamMetrics(Serving serving) {
    this.serving = serving;
  }

  @Override
  public void collect(Sink sink) {
    UpstreamStatus status = serving.upstreams();
    if (status == null) {
      return;
    }
    status.targets().forEach(target -> collect(sink, target));
    sink.sample(Meter.UPSTREAM_IN_FLIGHT, status.admitted().calls());
    sink.sample(Meter.UPSTREAM_WAITING, status.admitted().waiting());
    sink.sample(Meter.UPSTREAM_REFUSALS, (double) status.admitted().refusals());
    sink.sample(Meter.UPSTREAM_RETRIES, (double) status.retries());
    sink.sample(Meter.UPSTREAM_RETRY_REFUSALS, (double) status.retryRefusals());
    sink.sample(Meter.UPSTREAM_HEDGES, (double) status.hedges());
  }

  private static void collect(Sink sink, UpstreamStatus.Target target) {
    String name = target.endpoint().toString();
    UpstreamStatus.Calls calls = target.calls();
    sink.sample(Meter.UPSTREAM_CONNECTIONS, target.connections(), name);
    sink.sample(Meter.UPSTREAM_STREAMS, target.activeStreams(), name, "active");
    sink.sample(Meter.UPSTREAM_STREAMS, target.waitingStreams(), name, "waiting");
    sink.sample(Meter.UPSTREAM_QUEUE_DEPTH, target.queueDepth(), name);
    sink.sample(Meter.UPSTREAM_REQUESTS, (double) calls.answered(), name, "answered");
    sink.sample(Meter.UPSTREAM_REQUESTS, (double) calls.failed(), name, "failed");
    sink.sample(Meter.UPSTREAM_TAIL, calls.p99Nanos() / 1e9, name);
    for (TargetState state : TargetState.values()) {
      sink.sample(Meter.UPSTREAM_STATE, state == target.state() ? 1 : 0, name, state.name());
    }
    for (UpstreamStatus.RedFlag flag : UpstreamStatus.RedFlag.values()) {
      double raised = target.flags().contains(flag) ? 1 : 0;
      sink.sample(Meter.UPSTREAM_RED_FLAG, raised, name, ConnectionsEndpoint.label(flag));
    }
    target
        .batches()
        .forEach(
            (size, count) ->
                sink.sample(Meter.UPSTREAM_BATCHES, (double) count, name, size.toString()));
    for (UpstreamStatus.Breaker breaker : target.breakers()) {
      sink.sample(Meter.UPSTREAM_BREAKER, level(breaker.state()), name, breaker.model());
    }
  }

  private static double level(String state) {
    return switch (state) {
      case "CLOSED" -> 0;
      case "HALF_OPEN" -> 1;
      default -> 2;
    };
  }
}
