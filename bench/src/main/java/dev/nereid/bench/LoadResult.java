package dev.nereid.bench;

import dev.nereid.client.ModelStatistics;
import dev.nereid.client.Traffic;
import java.util.List;
import java.util.SortedMap;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * What one run showed.
 *
 * @param failures by kind
 * @param examples of messages, by kind
 * @param lag how late requests were sent; null in a closed loop, which has no intended times
 * @param shares per class of priority and deadline, where there are several
 * @param series one entry per second
 * @param models what the server counted meanwhile, for every model that ran; empty where it does
 *     not say
 * @param phases where the server's time went meanwhile; empty where it does not say
 * @param histogram of completed requests, in nanoseconds; not to be written into
 */
record LoadResult(
    LoadPlan plan,
    WarmUp warmUp,
    Window window,
    Latencies latencies,
    SortedMap<String, Long> failures,
    SortedMap<String, String> examples,
    @Nullable Latencies lag,
    List<ShareResult> shares,
    Wire wire,
    Cost cost,
    Intervals intervals,
    List<Second> series,
    List<ModelStatistics> models,
    List<PhaseTimes> phases,
    Histogram histogram) {
  /** Above this the client's own threads limit what is measured. */
  static final double BUSY_CLIENT = 0.85;

  /** Requests sent later than this are a sign of a client that cannot keep its times. */
  private static final double LATE_MICROS = 1_000;

  /**
   * Before counting: what compiling, loading and filling caches costs shows here and nowhere else.
   *
   * @param settled whether it ended because the load was stable
   * @param firstMicros the latency of the first answer; null without one
   * @param worstMicros the longest latency
   * @param models what the server counted meanwhile
   */
  record WarmUp(
      double seconds,
      boolean settled,
      long completed,
      long failed,
      @Nullable Double firstMicros,
      @Nullable Double worstMicros,
      List<ModelStatistics> models) {}

  /**
   * The counted time.
   *
   * @param seconds by the wall clock
   * @param completed replies with the right content in that time
   * @param late answered after it; their latencies are counted, in an open loop only
   * @param unanswered requests without outcome when patience ended
   * @param unsent requests of an open loop that this tool never came to send
   */
  record Window(double seconds, long completed, long late, int unanswered, long unsent) {}

  /** One class of requests. */
  record ShareResult(String label, Latencies latencies, long failed) {}

  /**
   * What went over the wire.
   *
   * @param requestBytes of one request, averaged, without the framing of HTTP/2
   * @param replyBytes of one reply, averaged, without framing and headers
   * @param traffic in the counted time, all framing included
   * @param streams most requests in flight at once
   */
  record Wire(double requestBytes, double replyBytes, Traffic traffic, int streams) {}

  /**
   * Processor time in microseconds per request.
   *
   * @param server its process, or null where it does not say
   * @param client this process, with compiler and collector
   * @param clientThreads those threads of this process that send and receive
   * @param busiestLoop the share of time that the busiest of them ran, 0 to 1
   */
  record Cost(@Nullable Double server, double client, double clientThreads, double busiestLoop) {}

  /** Where figures lie with 95 % confidence; null where the run is too short to say. */
  record Intervals(
      @Nullable Interval throughput,
      @Nullable Interval mean,
      @Nullable Interval p50,
      @Nullable Interval p90,
      @Nullable Interval p99,
      @Nullable Interval serverCpu) {}

  /**
   * One second of the run.
   *
   * @param seconds it really took
   * @param level callers or requests per second that were wanted
   * @param meanMicros of the latencies, null where nothing was completed
   * @param serverCpuMicros per request, or null
   */
  record Second(
      double seconds,
      double level,
      long completed,
      long failed,
      int inFlight,
      @Nullable Double meanMicros,
      @Nullable Double medianMicros,
      @Nullable Double p99Micros,
      @Nullable Double maxMicros,
      @Nullable Double serverCpuMicros) {
    Second with(double otherLevel, @Nullable Double serverCpu) {
      return new Second(
          seconds,
          otherLevel,
          completed,
          failed,
          inFlight,
          meanMicros,
          medianMicros,
          p99Micros,
          maxMicros,
          serverCpu);
    }
  }

  long completed() {
    return window.completed;
  }

  double seconds() {
    return window.seconds;
  }

  /** Completed requests per second of wall time. */
  double throughput() {
    return window.completed / window.seconds;
  }

  /** Requests that failed, wrong replies included. */
  long failed() {
    return failures.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Requests that were sent and have an outcome, those without one, and those never sent. */
  long offered() {
    return window.completed + window.late + failed() + window.unanswered + window.unsent;
  }

  /** Whether this tool and not the server may have set the pace. */
  boolean clientIsBottleneck() {
    return cost.busiestLoop > BUSY_CLIENT || isLate();
  }

  /** Whether requests were sent so late that it shows in the latencies. */
  boolean isLate() {
    Latencies late = lag;
    Double median = latencies.p50();
    if (late == null || median == null) {
      return false;
    }
    Double tail = late.p99() == null ? late.p50() : late.p99();
    return tail != null && tail > LATE_MICROS && tail > median / 2;
  }
}
