package dev.nereid.bench;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Results as comma-separated values, a line per run; times in microseconds, empty for not known.
 */
final class ReportCsv {
  private static final String HEADER =
      "date,commit,protocol,target,concurrency,seconds,completed,failed,unanswered,throughput,mean,p50,p90,p95,p99,p999,max,"
          + "server_cpu_per_request,client_cpu_per_request,client_is_bottleneck";

  private ReportCsv() {}

  static String of(Environment environment, Map<String, String> target, List<LoadResult> results) {
    return HEADER
        + "\n"
        + results.stream()
            .map(result -> line(environment, target, result) + "\n")
            .collect(Collectors.joining());
  }

  private static String line(
      Environment environment, Map<String, String> target, LoadResult result) {
    Latencies l = result.latencies();
    return String.join(
        ",",
        environment.date(),
        environment.commit(),
        target.getOrDefault("protocol", ""),
        target.getOrDefault("model", target.getOrDefault("route", "")),
        "" + result.plan().concurrency(),
        "" + result.seconds(),
        "" + result.completed(),
        "" + result.failed(),
        "" + result.unanswered(),
        "" + result.throughput(),
        "" + l.mean(),
        text(l.p50()),
        text(l.p90()),
        text(l.p95()),
        text(l.p99()),
        text(l.p999()),
        "" + l.max(),
        text(result.serverCpuMicros()),
        "" + result.clientCpuMicros(),
        "" + result.clientIsBottleneck());
  }

  private static String text(@Nullable Double value) {
    return value == null ? "" : value.toString();
  }
}
