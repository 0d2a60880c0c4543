package dev.nereid.bench;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Results as comma-separated values, a line per run; times in microseconds, empty for not known.
 */
final class ReportCsv {
  private static final String HEADER =
      "date,commit,protocol,target,batch,channels,load,concurrency,rate,seconds,completed,failed,unanswered,unsent,"
          + "throughput,throughput_low,throughput_high,mean,p50,p90,p95,p99,p999,max,"
          + "wire_bytes_out,wire_bytes_in,connections,streams,"
          + "server_cpu_per_request,client_cpu_per_request,client_threads_cpu_per_request,"
          + "client_busiest_thread,client_is_bottleneck";

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
        quoted(environment.commit()),
        target.getOrDefault("protocol", ""),
        quoted(what(target)),
        target.getOrDefault("batch", ""),
        target.getOrDefault("channels", ""),
        quoted(result.plan().load().label()),
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
        "" + result.cost().clientThreads(),
        "" + result.cost().busiestLoop(),
        "" + result.clientIsBottleneck());
  }

  /** The model, the route or the template. */
  private static String what(Map<String, String> target) {
    return Stream.of("model", "route", "template")
        .map(name -> target.getOrDefault(name, ""))
        .filter(text -> !text.isEmpty())
        .findFirst()
        .orElse("");
  }

  private static String quoted(String text) {
    return text.contains(",") || text.contains("\"")
        ? '"' + text.replace("\"", "\"\"") + '"'
        : text;
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
