package dev.nereid.bench;

import dev.nereid.client.ModelStatistics;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * Results as JSON; docs/benchmarking.md has the schema. Times are microseconds unless the name says
 * seconds; null means not known.
 */
final class ReportJson {
  static final ObjectMapper MAPPER =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
  static final int SCHEMA = 2;
  private static final double BARS_PER_OCTAVE = 6;

  private ReportJson() {}

  static String of(Environment environment, Map<String, String> target, List<LoadResult> results) {
    return MAPPER.writeValueAsString(tree(environment, target, results));
  }

  static ObjectNode tree(
      Environment environment, Map<String, String> target, List<LoadResult> results) {
    ObjectNode root = MAPPER.createObjectNode();
    root.put("schema", SCHEMA);
    root.set("environment", MAPPER.valueToTree(environment));
    ObjectNode what = root.putObject("target");
    target.forEach(what::put);
    ArrayNode runs = root.putArray("runs");
    results.forEach(result -> write(runs.addObject(), result));
    return root;
  }

  static void write(ObjectNode run, LoadResult result) {
    writePlan(run.putObject("plan"), result.plan());
    writeWarmUp(run, result.warmUp());
    LoadResult.Window window = result.window();
    run.put("seconds", window.seconds());
    run.put("completed", window.completed());
    run.put("completed_late", window.late());
    run.put("failed", result.failed());
    run.put("unanswered", window.unanswered());
    run.put("unsent", window.unsent());
    run.put("offered_rate", result.offered() / window.seconds());
    run.put("throughput", result.throughput());
    run.set("latency", MAPPER.valueToTree(result.latencies()));
    if (result.lag() == null) {
      run.putNull("send_lag");
    } else {
      run.set("send_lag", MAPPER.valueToTree(result.lag()));
    }
    ObjectNode failures = run.putObject("failures");
    result.failures().forEach(failures::put);
    writeShares(run.putArray("classes"), result.shares());
    writeIntervals(run.putObject("intervals"), result.intervals());
    writeWire(run, result);
    writeCost(run, result);
    writeSeries(run.putArray("series"), result.series());
    ArrayNode models = run.putArray("models");
    result.models().forEach(model -> write(models.addObject(), model));
    ArrayNode phases = run.putArray("phases");
    result.phases().forEach(times -> write(phases.addObject(), times));
    writeDistribution(run.putArray("distribution"), result.histogram());
    run.put("histogram", encoded(result.histogram()));
  }

  private static void writePlan(ObjectNode node, LoadPlan plan) {
    node.put("load", plan.load().label())
        .put(
            "kind",
            switch (plan.load()) {
              case Load.Closed _ -> "closed";
              case Load.Open(Profile _, boolean poisson) -> poisson ? "poisson" : "constant";
              case Load.Replay _ -> "replay";
            })
        .put("concurrency", plan.load().callers())
        .put("rate", plan.load().rate())
        .put("duration_seconds", plan.duration().toNanos() / 1e9)
        .put("requests", plan.requests())
        .put("in_order", plan.inOrder())
        .put("seed", plan.seed())
        .put("verify", plan.verify());
    if (plan.warmUp().isNegative()) {
      node.putNull("warm_up_seconds");
    } else {
      node.put("warm_up_seconds", plan.warmUp().toNanos() / 1e9);
    }
    ArrayNode mix = node.putArray("mix");
    for (Mix.Share share : plan.mix().shares()) {
      mix.addObject()
          .put("name", share.label())
          .put("priority", share.priority())
          .put("deadline_seconds", share.deadline().toNanos() / 1e9)
          .put("weight", share.weight());
    }
  }

  private static void writeWarmUp(ObjectNode run, LoadResult.WarmUp warmUp) {
    run.put("warm_up_seconds", warmUp.seconds());
    ObjectNode node = run.putObject("warm_up");
    node.put("seconds", warmUp.seconds())
        .put("settled", warmUp.settled())
        .put("completed", warmUp.completed())
        .put("failed", warmUp.failed())
        .put("first", warmUp.firstMicros())
        .put("slowest", warmUp.worstMicros());
    ArrayNode models = node.putArray("models");
    warmUp.models().forEach(model -> write(models.addObject(), model));
  }

  private static void writeShares(ArrayNode array, List<LoadResult.ShareResult> shares) {
    for (LoadResult.ShareResult share : shares) {
      ObjectNode node = array.addObject();
      node.put("name", share.label()).put("failed", share.failed());
      node.set("latency", MAPPER.valueToTree(share.latencies()));
    }
  }

  private static void writeIntervals(ObjectNode node, LoadResult.Intervals intervals) {
    put(node, "throughput", intervals.throughput());
    put(node, "mean", intervals.mean());
    put(node, "p50", intervals.p50());
    put(node, "p90", intervals.p90());
    put(node, "p99", intervals.p99());
    put(node, "server_cpu_per_request", intervals.serverCpu());
  }

  private static void put(ObjectNode node, String name, @Nullable Interval interval) {
    if (interval == null) {
      node.putNull(name);
    } else {
      node.putArray(name).add(interval.low()).add(interval.high());
    }
  }

  private static void writeWire(ObjectNode run, LoadResult result) {
    LoadResult.Wire wire = result.wire();
    long requests = Math.max(1, result.completed() + result.failed());
    run.put("request_bytes", wire.requestBytes());
    run.put("reply_bytes", wire.replyBytes());
    run.put("wire_bytes_out_per_request", (double) wire.traffic().bytesOut() / requests);
    run.put("wire_bytes_in_per_request", (double) wire.traffic().bytesIn() / requests);
    run.put("connections", wire.traffic().connectionsOpen());
    run.put("connections_opened", wire.traffic().connectionsOpened());
    run.put("streams", wire.streams());
  }

  private static void writeCost(ObjectNode run, LoadResult result) {
    LoadResult.Cost cost = result.cost();
    run.put("server_cpu_per_request", cost.server());
    run.put("client_cpu_per_request", cost.client());
    run.put("client_threads_cpu_per_request", cost.clientThreads());
    run.put("client_busiest_thread", cost.busiestLoop());
    run.put("client_is_bottleneck", result.clientIsBottleneck());
  }

  private static void writeSeries(ArrayNode series, List<LoadResult.Second> seconds) {
    for (LoadResult.Second second : seconds) {
      series
          .addObject()
          .put("seconds", second.seconds())
          .put("level", second.level())
          .put("completed", second.completed())
          .put("failed", second.failed())
          .put("in_flight", second.inFlight())
          .put("mean", second.meanMicros())
          .put("p50", second.medianMicros())
          .put("p99", second.p99Micros())
          .put("max", second.maxMicros())
          .put("server_cpu_per_request", second.serverCpuMicros());
    }
  }

  static void write(ObjectNode node, ModelStatistics model) {
    node.put("name", model.name());
    node.put("version", model.version());
    node.put("inferences", model.inferences());
    node.put("executions", model.executions());
    node.put("mean_batch", model.meanBatch());
    node.put("queue", model.queue().meanMicros());
    node.put("compute_input", model.computeInput().meanMicros());
    node.put("compute_infer", model.computeInfer().meanMicros());
    node.put("compute_output", model.computeOutput().meanMicros());
    ObjectNode batches = node.putObject("batches");
    model.batches().forEach((size, count) -> batches.put(Long.toString(size), count));
  }

  private static void write(ObjectNode node, PhaseTimes times) {
    if (times.listener().isEmpty()) {
      node.put("model", times.model()).put("version", times.version());
    } else {
      node.put("listener", times.listener());
    }
    ObjectNode phases = node.putObject("phases");
    times
        .phases()
        .forEach(
            (name, span) ->
                phases
                    .putObject(name)
                    .put("count", (long) span.count())
                    .put("mean", span.meanMicros()));
  }

  /** Six bars for every doubling of the latency. */
  private static void writeDistribution(ArrayNode bars, Histogram histogram) {
    int bar = Integer.MIN_VALUE;
    long count = 0;
    for (var value : histogram.recordedValues()) {
      double micros = value.getValueIteratedTo() / 1e3;
      int next = (int) Math.ceil(BARS_PER_OCTAVE * Math.log(micros) / Math.log(2));
      if (next != bar && count > 0) {
        add(bars, bar, count);
        count = 0;
      }
      bar = next;
      count += value.getCountAtValueIteratedTo();
    }
    if (count > 0) {
      add(bars, bar, count);
    }
  }

  private static void add(ArrayNode bars, int bar, long count) {
    bars.addObject()
        .put("from", Math.pow(2, (bar - 1) / BARS_PER_OCTAVE))
        .put("to", Math.pow(2, bar / BARS_PER_OCTAVE))
        .put("count", count);
  }

  /** In HdrHistogram's own compressed form, for its tools; values are nanoseconds. */
  private static String encoded(Histogram histogram) {
    ByteBuffer bytes = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
    int length = histogram.encodeIntoCompressedByteBuffer(bytes);
    byte[] copy = new byte[length];
    bytes.rewind().get(copy);
    return Base64.getEncoder().encodeToString(copy);
  }
}
