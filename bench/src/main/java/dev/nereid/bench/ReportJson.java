package dev.nereid.bench;

import dev.nereid.client.ModelStatistics;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Results as JSON. Times are microseconds unless the name says seconds; null means not known. */
final class ReportJson {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();
  private static final int SCHEMA = 1;

  private ReportJson() {}

  static String of(Environment environment, Map<String, String> target, List<LoadResult> results) {
    ObjectNode root = MAPPER.createObjectNode();
    root.put("schema", SCHEMA);
    root.putPOJO("environment", environment);
    root.putPOJO("target", target);
    ArrayNode runs = root.putArray("runs");
    results.forEach(result -> write(runs.addObject(), result));
    return MAPPER.writeValueAsString(root);
  }

  private static void write(ObjectNode run, LoadResult result) {
    LoadPlan plan = result.plan();
    run.putObject("plan")
        .put("concurrency", plan.concurrency())
        .put("duration_seconds", plan.duration().toNanos() / 1e9)
        .put("requests", plan.requests())
        .put("deadline_seconds", plan.deadline().toNanos() / 1e9)
        .put("seed", plan.seed())
        .put("verify", plan.verify());
    run.put("warm_up_seconds", result.warmUpSeconds());
    run.put("seconds", result.seconds());
    run.put("completed", result.completed());
    run.put("failed", result.failed());
    run.put("unanswered", result.unanswered());
    run.put("throughput", result.throughput());
    run.putPOJO("latency", result.latencies());
    ObjectNode failures = run.putObject("failures");
    result.failures().forEach(failures::put);
    run.put("request_bytes", result.requestBytes());
    run.put("reply_bytes", result.replyBytes());
    run.put("connections", result.connections());
    run.put("server_cpu_per_request", result.serverCpuMicros());
    run.put("client_cpu_per_request", result.clientCpuMicros());
    run.put("client_busiest_thread", result.busiestLoop());
    run.put("client_is_bottleneck", result.clientIsBottleneck());
    ArrayNode series = run.putArray("series");
    for (LoadResult.Second second : result.series()) {
      series
          .addObject()
          .put("completed", second.completed())
          .put("failed", second.failed())
          .put("p50", second.medianMicros())
          .put("p99", second.p99Micros());
    }
    ArrayNode models = run.putArray("models");
    result.models().forEach(model -> write(models.addObject(), model));
  }

  private static void write(ObjectNode node, ModelStatistics model) {
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
}
