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
      "date,commit,protocol,target,load,concurrency,rate,seconds,completed,failed,unanswered,unsent,"
          + "throughput,throughput_low,throughput_high,mean,p50,p90,p95,p99,p999,max,"
          + "wire_bytes_out,wire_bytes_in,connections,streams,"
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
    Interval throughput = result.intervals().throughput();
    return String.join(
        ",",
        environment.date(),
        environment.commit(),
        target.getOrDefault("protocol", ""),
        target.getOrDefault("model", target.getOrDefault("route", "")),
        result.plan().load().label(),
        "" + result.plan().load().callers(),
        "" + result.plan().load().rate(),
        "" + result.seconds(),
        "" + result.completed(),
        "" + result.failed(),
        "" + result.window().unanswered(),
        "" + result.window().unsent(),
        "" + result.throughput(),
        text(throughput == null ? null : throughput.low()),
        text(throughput == null ? null : throughput.high()),
        "" + l.mean(),
        text(l.p50()),
        text(l.p90()),
        text(l.p95()),
        text(l.p99()),
        text(l.p999()),
        "" + l.max(),
        wire(result),
        text(result.cost().server()),
        "" + result.cost().client(),
        "" + result.clientIsBottleneck());
  }

  private static String wire(LoadResult result) {
    var traffic = result.wire().traffic();
    return traffic.bytesOut()
        + ","
        + traffic.bytesIn()
        + ","
        + traffic.connectionsOpen()
        + ","
        + result.wire().streams();
  }

  private static String text(@Nullable Double value) {
    return value == null ? "" : value.toString();
  }
}
