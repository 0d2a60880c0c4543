package dev.nereid.gateway;

import dev.nereid.client.Endpoint;
import dev.nereid.client.UpstreamStatus;
import dev.nereid.core.Phase;
import dev.nereid.core.Timings;
import dev.nereid.telemetry.Histogram;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.MetricSource;
import dev.nereid.telemetry.Metrics;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/**
 * What the models behind the gateway did, under the names that dashboards of such gateways know:
 * batch sizes, and times in the queue and in inference.
 *
 * <p>In this process each picture counts with its own times. Remote servers tell sums; what they
 * did since the last look counts with its mean. Thread-safe.
 */
final class TritonMetrics implements MetricSource {
  private final Serving serving;
  private final Histogram queue = Metrics.newHistogram(Meter.TRITON_QUEUE_TIME);
  private final Histogram inference = Metrics.newHistogram(Meter.TRITON_INFERENCE_TIME);
  private final ReentrantLock looking = new ReentrantLock();
  private final Map<Endpoint, UpstreamStatus.Work> seen = new HashMap<>(); // guarded by looking

  TritonMetrics(Serving serving) {
    this.serving = serving;
  }

  /** A picture was answered by models of this process. */
  void answered(Timings timings) {
    if (timings.isKnown()) {
      queue.observe(millis(timings.nanos(Phase.QUEUE)));
      inference.observe(millis(timings.inferNanos()));
    }
  }

  @Override
  public void collect(Sink sink) {
    UpstreamStatus status = serving.upstreams();
    if (status != null) {
      status.targets().forEach(this::look);
    }
    Histogram sizes = Metrics.newHistogram(Meter.TRITON_BATCH_SIZE);
    serving.batches().forEach((size, count) -> sizes.observe(size, count));
    sink.histogram(Meter.TRITON_BATCH_SIZE, sizes);
    sink.histogram(Meter.TRITON_QUEUE_TIME, queue);
    sink.histogram(Meter.TRITON_INFERENCE_TIME, inference);
  }

  private void look(UpstreamStatus.Target target) {
    UpstreamStatus.Work more;
    looking.lock();
    try {
      UpstreamStatus.Work before = seen.getOrDefault(target.endpoint(), UpstreamStatus.Work.NONE);
      seen.put(target.endpoint(), target.work());
      more = target.work().since(before);
    } finally {
      looking.unlock();
    }
    if (more.requests() > 0) {
      queue.observe(millis(more.queueNanos()) / more.requests(), more.requests());
    }
    if (more.inferences() > 0) {
      inference.observe(millis(more.inferNanos()) / more.inferences(), more.inferences());
    }
  }

  private static double millis(long nanos) {
    return nanos / (double) TimeUnit.MILLISECONDS.toNanos(1);
  }
}
