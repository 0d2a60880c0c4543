package dev.nereid.bench;

import dev.nereid.client.ModelStatistics;
import java.util.List;
import java.util.SortedMap;
import org.jspecify.annotations.Nullable;

/**
 * What one run showed.
 *
 * @param warmUpSeconds spent before counting
 * @param seconds counted, by the wall clock
 * @param completed replies with the right content
 * @param unanswered requests without outcome when patience ended
 * @param latencies of completed requests; a quantile is absent where the samples are too few
 * @param failures by kind
 * @param examples of messages, by kind
 * @param requestBytes of one request, averaged
 * @param replyBytes of one reply, averaged
 * @param connections open at the end
 * @param series one entry per second
 * @param models what the server counted meanwhile, for every model that ran; empty where it does
 *     not say
 * @param serverCpuMicros of the server's process per request, or null where it does not say
 * @param clientCpuMicros of this process per request
 * @param busiestLoop the share of time that the busiest client thread ran, 0 to 1
 */
public record LoadResult(
    LoadPlan plan,
    double warmUpSeconds,
    double seconds,
    long completed,
    int unanswered,
    Latencies latencies,
    SortedMap<String, Long> failures,
    SortedMap<String, String> examples,
    double requestBytes,
    double replyBytes,
    int connections,
    List<Second> series,
    List<ModelStatistics> models,
    @Nullable Double serverCpuMicros,
    double clientCpuMicros,
    double busiestLoop) {
  /** Above this the client's own threads limit what is measured. */
  static final double BUSY_CLIENT = 0.85;

  /**
   * One second of the run.
   *
   * @param medianMicros null where nothing was completed
   */
  public record Second(
      long completed, long failed, @Nullable Double medianMicros, @Nullable Double p99Micros) {}

  /** Completed requests per second of wall time. */
  public double throughput() {
    return completed / seconds;
  }

  /** Requests that failed, wrong replies included. */
  public long failed() {
    return failures.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Whether this tool and not the server may have set the pace. */
  public boolean clientIsBottleneck() {
    return busiestLoop > BUSY_CLIENT;
  }
}
