package dev.nereid.app;

import dev.nereid.tracing.TracingOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options on traces. */
final class TraceFlags {
  private static final String OFF = "off";
  private static final String USUAL_PATH = "/v1/traces";
  private static final String SERVICE = "service.name";

  @Option(
      names = "--trace-endpoint",
      paramLabel = "URL",
      description = {
        "Sends traces there, in OTLP over HTTP: http://HOST:4318. Also OTEL_EXPORTER_OTLP_ENDPOINT",
        "in the environment (default: off)."
      })
  private @Nullable String endpoint;

  @Option(
      names = "--trace-sample-rate",
      paramLabel = "SHARE",
      description =
          "Of the requests that come without a trace, 0 to 1; those with one are traced if it is (1).")
  private @Nullable Double ratio;

  @Option(
      names = "--trace-service-name",
      paramLabel = "NAME",
      description = "What this program is called in traces (nereid, or nereid-gateway).")
  private @Nullable String service;

  @Option(
      names = "--trace-resource",
      paramLabel = "KEY=VALUE",
      description = "More that traces tell of this program; may be repeated.")
  private Map<String, String> resource = new HashMap<>();

  @Option(
      names = "--trace-header",
      paramLabel = "NAME=VALUE",
      description =
          "Sent with traces, for a collector that wants a key; OTEL_EXPORTER_OTLP_HEADERS hides it.")
  private Map<String, String> headers = new HashMap<>();

  @Option(
      names = "--trace-config",
      paramLabel = "SETTING=VALUE",
      description = {
        "Triton's settings: mode=opentelemetry, level=TIMESTAMPS, rate=N,",
        "opentelemetry,url=URL, opentelemetry,resource=KEY=VALUE, opentelemetry,bsp_...=N."
      })
  private List<String> config = new ArrayList<>();

  /**
   * What they say; null for no traces.
   *
   * @param usualService the program's name unless one is given
   */
  @Nullable TracingOptions options(String usualService) {
    TritonTraceConfig triton = TritonTraceConfig.of(config);
    if (endpoint == null ? !triton.isOn() : endpoint.equals(OFF)) {
      return null;
    }
    Map<String, String> told = new HashMap<>(triton.resource());
    told.putAll(resource);
    return new TracingOptions(
        endpoint == null ? triton.url() : url("--trace-endpoint", endpoint),
        headers,
        service == null ? told.getOrDefault(SERVICE, usualService) : service,
        told,
        ratio == null ? triton.ratio() : ratio,
        triton.queue());
  }

  /** An address, with the usual path where it has none; messages have no word of it. */
  static URI url(String option, String typed) {
    try {
      URI url = new URI(typed);
      boolean bare = url.getPath() == null || url.getPath().isEmpty() || url.getPath().equals("/");
      return bare ? url.resolve(USUAL_PATH) : url;
    } catch (URISyntaxException _) {
      throw new Mishap(option + ": not understood (expected: http://HOST:PORT)");
    }
  }
}
