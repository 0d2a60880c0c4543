package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.tracing.TracingOptions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

/** How traces are asked for: by options, by Triton's, and by OpenTelemetry's variables. */
final class TraceFlagsTest {
  private static @Nullable TracingOptions parse(String... words) {
    TraceFlags flags = new TraceFlags();
    new CommandLine(flags).parseArgs(words);
    return flags.options("nereid");
  }

  private static TracingOptions on(String... words) {
    return Objects.requireNonNull(parse(words));
  }

  private static List<String> variables(String... pairs) {
    Map<String, String> environment = new java.util.TreeMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      environment.put(pairs[i], pairs[i + 1]);
    }
    return OpenTelemetryVariables.settings(environment).stream().map(Setting::word).toList();
  }

  @Test
  void nothingIsTracedUnlessItIsAskedFor() {
    assertThat(parse()).isNull();
    assertThat(parse("--trace-sample-rate=0.5")).isNull();
    assertThat(parse("--trace-endpoint=off")).isNull();
  }

  @Test
  void anEndpointIsEnough() {
    TracingOptions options = on("--trace-endpoint=http://collector:4318");
    assertThat(options.endpoint()).hasToString("http://collector:4318/v1/traces");
    assertThat(options.ratio()).isEqualTo(1);
    assertThat(options.service()).isEqualTo("nereid");
    assertThat(on("--trace-endpoint=https://a/otlp/v1/traces").endpoint())
        .hasToString("https://a/otlp/v1/traces");
    assertThat(on("--trace-endpoint=http://a", "--trace-resource=service.name=sea").service())
        .isEqualTo("sea");
  }

  @Test
  void anEndpointThatIsNoneIsToldWithoutItsWords() {
    assertThatThrownBy(() -> parse("--trace-endpoint=http://me:secret@a b"))
        .hasMessage("--trace-endpoint: not understood (expected: http://HOST:PORT)");
    assertThatThrownBy(() -> parse("--trace-endpoint=grpc://a:4317"))
        .hasMessageContaining("expected: http://HOST:PORT or https://HOST:PORT");
  }

  @Test
  void tritonsSettingsAreUnderstood() {
    TracingOptions options =
        on(
            "--trace-config=mode=opentelemetry",
            "--trace-config=level=TIMESTAMPS",
            "--trace-config=rate=4",
            "--trace-config=opentelemetry,url=http://a:4318/v1/traces",
            "--trace-config=opentelemetry,resource=service.name=sea",
            "--trace-config=opentelemetry,bsp_schedule_delay=7");
    assertThat(options.endpoint()).hasToString("http://a:4318/v1/traces");
    assertThat(options.ratio()).isEqualTo(0.25);
    assertThat(options.service()).isEqualTo("sea");
    assertThat(options.queue().delay()).hasMillis(7);
    assertThat(on("--trace-config=mode=opentelemetry", "--trace-config=level=TIMESTAMPS").ratio())
        .isEqualTo(0.001);
  }

  @Test
  void tritonsDefaultLevelIsOff() {
    assertThat(parse("--trace-config=mode=opentelemetry")).isNull();
    assertThat(parse("--trace-config=level=OFF", "--trace-config=triton,file=a")).isNull();
  }

  @Test
  void whatIsNotOfferedIsRefused() {
    assertThatThrownBy(() -> parse("--trace-config=level=TIMESTAMPS"))
        .hasMessage("--trace-config: mode=triton (expected: mode=opentelemetry)");
    assertThatThrownBy(
            () -> parse("--trace-config=mode=opentelemetry", "--trace-config=level=TENSORS"))
        .hasMessage("--trace-config: level=TENSORS (expected: OFF or TIMESTAMPS)");
    assertThatThrownBy(() -> parse("--trace-config=rate=often"))
        .hasMessage("--trace-config: rate=often (expected: a number)");
    assertThatThrownBy(() -> parse("--trace-config=colour=blue"))
        .hasMessageStartingWith("--trace-config: colour");
  }

  @Test
  void openTelemetrysVariablesAreOptions() {
    assertThat(
            variables(
                "OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/",
                "OTEL_EXPORTER_OTLP_HEADERS", "x-key=a%20b,c=d",
                "OTEL_RESOURCE_ATTRIBUTES", "zone=north",
                "OTEL_SERVICE_NAME", "waves",
                "OTEL_TRACES_SAMPLER", "parentbased_traceidratio",
                "OTEL_TRACES_SAMPLER_ARG", "0.1"))
        .containsExactly(
            "--trace-endpoint=http://collector:4318/v1/traces",
            "--trace-sample-rate=0.1",
            "--trace-resource=zone=north",
            "--trace-service-name=waves",
            "--trace-header=x-key=a b",
            "--trace-header=c=d");
    assertThat(
            variables(
                "OTEL_EXPORTER_OTLP_ENDPOINT", "http://a",
                "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://b/x"))
        .containsExactly("--trace-endpoint=http://b/x");
  }

  @Test
  void openTelemetrysVariablesTurnTracesOff() {
    assertThat(variables("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a", "OTEL_SDK_DISABLED", "true"))
        .isEmpty();
    assertThat(variables("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a", "OTEL_TRACES_EXPORTER", "none"))
        .isEmpty();
    assertThat(variables("OTEL_EXPORTER_OTLP_ENDPOINT", "")).isEmpty();
    assertThat(variables("OTEL_TRACES_SAMPLER", "always_off"))
        .containsExactly("--trace-sample-rate=0");
  }

  @Test
  void whatVariablesCannotMeanIsToldWithoutTheirValues() {
    assertThatThrownBy(
            () ->
                variables(
                    "OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:4317",
                    "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"))
        .hasMessageStartingWith("OTEL_EXPORTER_OTLP_PROTOCOL: grpc (expected: http/protobuf");
    assertThatThrownBy(() -> variables("OTEL_EXPORTER_OTLP_HEADERS", "secret"))
        .hasMessage("OTEL_EXPORTER_OTLP_HEADERS: not understood (expected: KEY=VALUE,KEY=VALUE)");
  }

  @Test
  void theCommandLineWinsOverOpenTelemetrysVariables() {
    CommandLine line =
        Nereid.commandLine(new Installation(java.nio.file.Path.of("/opt/nereid"), null, "1.2.3"));
    Map<String, String> environment =
        Map.of(
            "OTEL_EXPORTER_OTLP_ENDPOINT", "http://a",
            "OTEL_SERVICE_NAME", "all",
            "NEREID_TRACE_SERVICE_NAME", "mine");
    String[] words = {"serve", "--trace-endpoint=http://b"};
    assertThat(Settings.expand(line.getSubcommands().get("serve"), words, environment))
        .containsExactly("serve", "--trace-service-name=mine", "--trace-endpoint=http://b");
    String[] other = {"version"};
    assertThat(Settings.expand(line.getSubcommands().get("version"), other, environment))
        .containsExactly("version");
  }
}
