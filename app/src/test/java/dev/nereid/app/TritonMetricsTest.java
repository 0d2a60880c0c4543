package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.core.Shape;
import dev.nereid.telemetry.LatencyOptions;
import dev.nereid.telemetry.Meter;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The whole list of names and labels that dashboards made for Triton ask for. */
@Timeout(60)
final class TritonMetricsTest {
  private static final Pattern SERIES = Pattern.compile("(nv_[a-z_]+)(?:\\{(.*)})? \\S+");
  private static final Pattern LABEL = Pattern.compile("(\\w+)=\"(?:[^\"\\\\]|\\\\.)*\"");

  private static final String MODEL = "_team model version";
  private static final String QUANTILE = "_team model quantile version";

  private static final Map<String, String> ALWAYS =
      Map.ofEntries(
          Map.entry("nv_inference_request_success", MODEL),
          Map.entry("nv_inference_request_failure", "_team model reason version"),
          Map.entry("nv_inference_count", MODEL),
          Map.entry("nv_inference_exec_count", MODEL),
          Map.entry("nv_inference_request_duration_us", MODEL),
          Map.entry("nv_inference_queue_duration_us", MODEL),
          Map.entry("nv_inference_compute_input_duration_us", MODEL),
          Map.entry("nv_inference_compute_infer_duration_us", MODEL),
          Map.entry("nv_inference_compute_output_duration_us", MODEL),
          Map.entry("nv_inference_pending_request_count", MODEL),
          Map.entry("nv_model_load_duration_secs", MODEL),
          Map.entry("nv_cache_num_hits_per_model", MODEL),
          Map.entry("nv_cache_num_misses_per_model", MODEL),
          Map.entry("nv_cache_hit_duration_per_model", MODEL),
          Map.entry("nv_cache_miss_duration_per_model", MODEL),
          Map.entry("nv_cpu_utilization", ""),
          Map.entry("nv_cpu_memory_total_bytes", ""),
          Map.entry("nv_cpu_memory_used_bytes", ""));

  private static final Map<String, String> WHEN_ASKED_FOR =
      Map.ofEntries(
          Map.entry("nv_inference_first_response_histogram_ms_bucket", "_team le model version"),
          Map.entry("nv_inference_first_response_histogram_ms_sum", MODEL),
          Map.entry("nv_inference_first_response_histogram_ms_count", MODEL));

  private static final List<String> SUMMARIES =
      List.of(
          "nv_inference_request_summary_us",
          "nv_inference_queue_summary_us",
          "nv_inference_compute_input_summary_us",
          "nv_inference_compute_infer_summary_us",
          "nv_inference_compute_output_summary_us",
          "nv_cache_hit_summary_per_model",
          "nv_cache_miss_summary_per_model");

  private static final Map<String, String> OF_GPUS =
      Map.of(
          "nv_gpu_utilization", "gpu_uuid",
          "nv_gpu_memory_total_bytes", "gpu_uuid",
          "nv_gpu_memory_used_bytes", "gpu_uuid",
          "nv_gpu_power_usage", "gpu_uuid",
          "nv_gpu_power_limit", "gpu_uuid",
          "nv_energy_consumption", "gpu_uuid");

  @TempDir Path repository;

  private RunningProgram program(String... flags) throws Exception {
    Files.createDirectories(repository.resolve("tagged").resolve("1"));
    Files.writeString(
        repository.resolve("tagged").resolve("config.pbtxt"),
        """
        backend: "identity"
        max_batch_size: 4
        input { name: "INPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
        output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
        response_cache { enable: true }
        metric_tags { key: "team" value: "fish \\"and\\" chips" }
        model_metrics {
          metric_control {
            metric_identifier { family: "nv_inference_first_response_histogram_ms" }
            histogram_options { buckets: [ 30000, 60000 ] }
          }
        }
        """);
    String[] all = Arrays.copyOf(flags, flags.length + 2);
    all[flags.length] = "--cache-config=local,size=1000000";
    all[flags.length + 1] = "--allow-gpu-metrics=false";
    RunningProgram program = new RunningProgram(List.of(repository), all);
    try (var client = program.grpc(1)) {
      var call = InferCall.of("tagged", InferInput.ints("INPUT0", Shape.of(1, 2), 1, 2));
      client.infer(call).get(20, TimeUnit.SECONDS);
      client.infer(call).get(20, TimeUnit.SECONDS);
    }
    return program;
  }

  private static String scrape(RunningProgram program) throws Exception {
    URI page = URI.create("http://127.0.0.1:" + program.server.metricsPort() + "/metrics");
    try (HttpClient client = HttpClient.newHttpClient()) {
      var request = HttpRequest.newBuilder(page).build();
      return client.send(request, HttpResponse.BodyHandlers.ofString()).body();
    }
  }

  /** Names of series with the names of their labels, in alphabetical order. */
  private static Map<String, String> series(String text) {
    Map<String, String> found = new TreeMap<>();
    text.lines()
        .map(SERIES::matcher)
        .filter(line -> line.matches())
        .forEach(
            line -> {
              String labels = line.group(2) == null ? "" : line.group(2);
              String names =
                  LABEL
                      .matcher(labels)
                      .results()
                      .map(label -> label.group(1))
                      .sorted()
                      .collect(Collectors.joining(" "));
              assertThat(found.put(line.group(1), names)).isIn(null, names);
            });
    return found;
  }

  @Test
  void withoutAnyOptionTheCountersAndGaugesAreThereAndNothingElse() throws Exception {
    try (RunningProgram program = program()) {
      String text = scrape(program);
      assertThat(series(text)).containsExactlyInAnyOrderEntriesOf(ALWAYS);
      assertThat(text)
          .contains(
              "nv_inference_count{model=\"tagged\",version=\"1\",_team=\"fish \\\"and\\\" chips\"}"
                  + " 1\n");
    }
  }

  @Test
  void latenciesAreThereWhenAskedFor() throws Exception {
    Map<String, String> expected = new TreeMap<>(ALWAYS);
    expected.putAll(WHEN_ASKED_FOR);
    for (String summary : SUMMARIES) {
      expected.put(summary, QUANTILE);
      expected.put(summary + "_sum", MODEL);
      expected.put(summary + "_count", MODEL);
    }
    try (RunningProgram program =
        program(
            "--metrics-config=histogram_latencies=true",
            "--metrics-config",
            "summary_latencies=true",
            "--metrics-config=summary_quantiles=0.5:0.05,0.75:0.01")) {
      String text = scrape(program);
      assertThat(series(text)).containsExactlyInAnyOrderEntriesOf(expected);
      var quantile = Pattern.compile("quantile=\"([^\"]+)\"");
      assertThat(quantile.matcher(text).results().map(found -> found.group(1)))
          .containsOnly("0.5", "0.75");
      assertThat(text)
          .containsPattern("nv_inference_request_summary_us_count\\{.*} 2\n")
          .containsPattern("nv_inference_compute_infer_summary_us_count\\{.*} 1\n")
          .containsPattern("nv_cache_hit_summary_per_model_count\\{.*} 1\n")
          .containsPattern("nv_cache_miss_summary_per_model_count\\{.*} 1\n")
          .containsPattern("first_response_histogram_ms_bucket\\{.*le=\"30000\"} 2\n")
          .doesNotContain("le=\"2000\"");
    }
  }

  @Test
  void everyNameOfTritonsIsInOneOfTheseLists() {
    TreeSet<String> listed = new TreeSet<>(ALWAYS.keySet());
    listed.addAll(OF_GPUS.keySet());
    listed.addAll(SUMMARIES);
    listed.add("nv_inference_first_response_histogram_ms");
    assertThat(Arrays.stream(Meter.values()).map(Meter::id).filter(id -> id.startsWith("nv_")))
        .containsExactlyInAnyOrderElementsOf(listed);
    for (Meter meter : Meter.values()) {
      if (OF_GPUS.containsKey(meter.id())) {
        assertThat(meter.labels()).containsExactly(OF_GPUS.get(meter.id()));
      }
    }
  }

  @Test
  void settingsThatCannotBeMeantAreSaid() {
    assertThat(TritonMetricsConfig.of(List.of("counter_latencies=true")))
        .isEqualTo(LatencyOptions.OFF);
    assertThat(TritonMetricsConfig.of(List.of("summary_latencies=on")).quantiles())
        .containsExactly(0.5, 0.9, 0.95, 0.99, 0.999);
    for (String wrong :
        List.of(
            "counter_latencies=false",
            "histogram_latencies=maybe",
            "summary_latencies",
            "summary_quantiles=0.5",
            "summary_quantiles=50:0.1",
            "summary_quantiles=a:b",
            "gauges=true")) {
      assertThatThrownBy(() -> TritonMetricsConfig.of(List.of(wrong)))
          .isInstanceOf(Mishap.class)
          .hasMessageStartingWith("--metrics-config: " + wrong + " (expected: ");
    }
  }
}
