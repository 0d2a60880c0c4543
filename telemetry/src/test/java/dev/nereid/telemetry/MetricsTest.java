package dev.nereid.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.nereid.core.Phase;
import dev.nereid.core.Timings;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

final class MetricsTest {
  private final Metrics metrics = new Metrics();

  @Test
  void countersKeepTheirNamesAndLabels() {
    metrics.counter(Meter.INFERENCE_SUCCESS, "a\"b", "1").add(3);
    metrics.counter(Meter.INFERENCE_SUCCESS, "a\"b", "1").increment();
    assertThat(metrics.scrape())
        .contains("# TYPE nv_inference_request_success counter\n")
        .contains("nv_inference_request_success{model=\"a\\\"b\",version=\"1\"} 4\n");
  }

  @Test
  void histogramsAreCumulative() {
    Histogram sizes = metrics.histogram(Meter.BATCH_SIZE, "m", "1");
    sizes.observe(1);
    sizes.observe(3, 2);
    sizes.observe(1000);
    assertThat(metrics.scrape())
        .contains("nereid_batch_size_bucket{model=\"m\",version=\"1\",le=\"1\"} 1\n")
        .contains("nereid_batch_size_bucket{model=\"m\",version=\"1\",le=\"4\"} 3\n")
        .contains("nereid_batch_size_bucket{model=\"m\",version=\"1\",le=\"+Inf\"} 4\n")
        .contains("nereid_batch_size_sum{model=\"m\",version=\"1\"} 1007\n")
        .contains("nereid_batch_size_count{model=\"m\",version=\"1\"} 4\n");
  }

  @Test
  void onlyPhasesThatTookTimeAreTold() {
    PhaseHistograms phases = new PhaseHistograms(Meter.REQUEST_PHASE_SECONDS);
    metrics.register(sink -> phases.collect(sink, "grpc"));
    phases.observe(new Timings(0, 0, 0, 0, 2_000_000), 1_000_000);
    Timings decoding = new Timings(0, 0, 0, 0, 2_000_000, Phase.PREPROCESS, 500_000, List.of());
    phases.observe(decoding, 1_000_000);
    String text = metrics.scrape();
    assertThat(text)
        .contains("nereid_request_phase_seconds_count{listener=\"grpc\",phase=\"queue\"} 2\n")
        .contains("nereid_request_phase_seconds_count{listener=\"grpc\",phase=\"decode\"} 1\n")
        .contains("phase_seconds_sum{listener=\"grpc\",phase=\"preprocess\"} 0.0015\n")
        .contains("phase_seconds_sum{listener=\"grpc\",phase=\"compute\"} 0.002\n")
        .contains("phase_seconds_sum{listener=\"grpc\",phase=\"encode\"} 0.002\n")
        .doesNotContain("postprocess\"");
  }

  @Test
  void tagsArePutOnEveryNumberOfASource() {
    Histogram sizes = Metrics.newHistogram(Meter.BATCH_SIZE);
    metrics.register(
        sink -> {
          MetricSource.Sink tagged = sink.tagged(Map.of("_team", "a\"b", "_area", "x"));
          tagged.sample(Meter.PENDING_REQUESTS, 7, "m", "2");
          tagged.sample(Meter.GRPC_STREAMS, 3);
          tagged.histogram(Meter.BATCH_SIZE, sizes, "m", "2");
          sink.tagged(Map.of()).sample(Meter.OPEN_LEASES, 1);
        });
    assertThat(metrics.scrape())
        .contains("_count{model=\"m\",version=\"2\",_area=\"x\",_team=\"a\\\"b\"} 7\n")
        .contains("nereid_grpc_streams{_area=\"x\",_team=\"a\\\"b\"} 3\n")
        .contains("\",_area=\"x\",_team=\"a\\\"b\",le=\"1\"} 0\n")
        .contains("nereid_open_leases 1\n");
  }

  @Test
  void gaugesAndSourcesAreAskedAtEachScrape() {
    double[] value = {1.5};
    metrics.gauge(Meter.OPEN_LEASES, () -> value[0]);
    MetricSource source = sink -> sink.sample(Meter.PENDING_REQUESTS, 7, "m", "2");
    metrics.register(source);
    assertThat(metrics.scrape()).contains("nereid_open_leases 1.5\n").contains("} 7\n");
    value[0] = 2;
    metrics.unregister(source);
    assertThat(metrics.scrape()).contains("nereid_open_leases 2\n").doesNotContain("} 7\n");
  }

  @Test
  void wrongKindOrLabelsAreADefect() {
    assertThatIllegalArgumentException().isThrownBy(() -> metrics.counter(Meter.OPEN_LEASES));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> metrics.counter(Meter.INFERENCE_SUCCESS, "m"))
        .withMessageContaining("[model, version]");
  }

  @Test
  void everyMeterIsNamedAndExplained() {
    assertThat(Arrays.stream(Meter.values()).map(Meter::id)).doesNotHaveDuplicates();
    for (Meter meter : Meter.values()) {
      assertThat(meter.id()).matches("[a-z_]+");
      assertThat(meter.help()).endsWith(".");
    }
  }

  @Test
  void theProcessTellsItsOwnNumbers() {
    metrics.register(new ProcessMetrics(true));
    String text = metrics.scrape();
    assertThat(text).contains("process_cpu_seconds_total ").contains("jvm_memory_heap_used_bytes ");
    var line = Pattern.compile("^(# .*|[a-z_]+(\\{[^}]*})? -?[0-9.Ee+-]+)$");
    assertThat(text.lines()).allMatch(each -> line.matcher(each).matches());
  }
}
