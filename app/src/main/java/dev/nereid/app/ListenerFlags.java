package dev.nereid.app;

import dev.nereid.app.ServeOptions.Endpoint;
import dev.nereid.gateway.GatewayOptions;
import dev.nereid.gateway.PayloadSampleOptions;
import dev.nereid.gateway.ResultCacheOptions;
import dev.nereid.http.TlsFiles;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options of the three listeners that speak HTTP. */
final class ListenerFlags {
  private ListenerFlags() {}

  /** The v2 protocol. */
  static final class Http {
    @Option(
        names = "--allow-http",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether it is offered (${DEFAULT-VALUE}).")
    private boolean open = true;

    @Option(
        names = "--http-address",
        paramLabel = "ADDRESS",
        description = "Where it listens (${DEFAULT-VALUE}).")
    private String address = "0.0.0.0";

    @Option(
        names = "--http-port",
        paramLabel = "PORT",
        description = "Its port; 0 lets the system choose (${DEFAULT-VALUE}).")
    private int port = 8000;

    @Option(
        names = "--http-max-input-size",
        paramLabel = "BYTES",
        description = "The largest body accepted, unpacked (${DEFAULT-VALUE}).")
    private int maxInputBytes = 1 << 26;

    @Option(
        names = "--http-thread-count",
        paramLabel = "N",
        description = "Event loops, shared by all listeners; 0 for one to a core (0).")
    private int threads;

    @Option(
        names = "--reuse-http-port",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether other servers that say so may listen there, too (${DEFAULT-VALUE}).")
    private boolean shared;

    @Option(
        names = "--http-restricted-api",
        paramLabel = "API[,API]:HEADER=VALUE",
        description = "Calls that need a header with that value; may be repeated.")
    private List<String> restricted = new ArrayList<>();

    @Option(
        names = "--http-header-forward-pattern",
        paramLabel = "REGEX",
        description = "Headers that become parameters of a request (default: none).")
    private String forwardPattern = "";

    /** Closes the listener unless the command line opens it. */
    void close() {
      open = false;
    }

    ServeOptions.Http options(@Nullable TlsFiles tls) {
      return new ServeOptions.Http(
          new Endpoint(open, address, port, shared, tls),
          maxInputBytes,
          threads,
          CallFlags.access(
              "--http-restricted-api",
              restricted,
              "--http-header-forward-pattern",
              forwardPattern));
    }
  }

  /** The metrics. */
  static final class Metrics {
    @Option(
        names = "--allow-metrics",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether they are offered (${DEFAULT-VALUE}).")
    private boolean open = true;

    @Option(
        names = "--metrics-address",
        paramLabel = "ADDRESS",
        description = "Where they are (default: --http-address).")
    private @Nullable String address;

    @Option(
        names = "--metrics-port",
        paramLabel = "PORT",
        description = "Their port; 0 lets the system choose (${DEFAULT-VALUE}).")
    private int port = 8002;

    @Option(
        names = "--allow-gpu-metrics",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether GPUs are measured (${DEFAULT-VALUE}).")
    private boolean gpu = true;

    @Option(
        names = "--allow-cpu-metrics",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether the machine's CPU and memory are measured (${DEFAULT-VALUE}).")
    private boolean cpu = true;

    @Option(
        names = "--metrics-config",
        paramLabel = "SETTING=VALUE",
        description = {
          "histogram_latencies=true: time to the first response in buckets. summary_latencies=true:",
          "times as quantiles; which ones, summary_quantiles=0.5:0.05,0.99:0.001. May be repeated."
        })
    private List<String> settings = new ArrayList<>();

    /** Closes the listener unless the command line opens it. */
    void close() {
      open = false;
    }

    ServeOptions.Metrics options(String httpAddress, @Nullable TlsFiles tls) {
      return new ServeOptions.Metrics(
          new Endpoint(open, address == null ? httpAddress : address, port, false, tls),
          gpu,
          cpu,
          TritonMetricsConfig.of(settings));
    }
  }

  /** The image gateway. */
  static final class Gateway {
    @Option(
        names = "--allow-gateway",
        paramLabel = "BOOL",
        converter = OnOff.class,
        arity = "1",
        description = "Whether it is offered (${DEFAULT-VALUE}).")
    private boolean open = true;

    @Option(
        names = "--gateway-address",
        paramLabel = "ADDRESS",
        description = "Where it listens (${DEFAULT-VALUE}).")
    private String address = "0.0.0.0";

    @Option(
        names = "--gateway-port",
        paramLabel = "PORT",
        description = "Its port; 0 lets the system choose (${DEFAULT-VALUE}).")
    private int port = 9600;

    @Option(
        names = "--gateway-max-body-size",
        paramLabel = "BYTES",
        description = "The largest body accepted (${DEFAULT-VALUE}).")
    private int maxBodyBytes = GatewayOptions.BODY_BYTES;

    @Option(
        names = "--gateway-max-batch-images",
        paramLabel = "N",
        description = "Pictures in one request at most (${DEFAULT-VALUE}).")
    private int batchImages = GatewayOptions.BATCH_IMAGES;

    @Option(
        names = "--gateway-max-stream-images",
        paramLabel = "N",
        description =
            "The same where results are sent one by one, if that is more (${DEFAULT-VALUE}).")
    private int streamImages = GatewayOptions.STREAM_IMAGES;

    @Option(
        names = "--gateway-alias",
        paramLabel = "ALIAS=MODEL",
        description = "Another name for a model that takes pictures; may be repeated.")
    private Map<String, String> aliases = new HashMap<>();

    @Option(
        names = "--traffic",
        paramLabel = "FILE",
        description =
            "A YAML file with plans for where the requests for models go, by model (default: none).")
    private @Nullable Path traffic;

    @Option(
        names = "--gateway-cors-origin",
        paramLabel = "ORIGIN",
        split = ",",
        description =
            "Pages of other origins that may call, https://HOST[:PORT] or *; may be repeated"
                + " (default: none).")
    private List<String> origins = new ArrayList<>();

    @Option(
        names = "--gateway-strict-transport-secs",
        paramLabel = "SECONDS",
        description =
            "How long browsers come back over TLS alone; 0 for not said (${DEFAULT-VALUE}).")
    private int strictTransportSeconds;

    ServeOptions.Gateway options(
        @Nullable TlsFiles tls,
        @Nullable ResultCacheOptions results,
        @Nullable PayloadSampleOptions payloads) {
      var browsers = new ServeOptions.Browsers(origins, Duration.ofSeconds(strictTransportSeconds));
      var _ = browsers.cors(); // tells what is no origin
      return new ServeOptions.Gateway(
          new Endpoint(open, address, port, false, tls),
          maxBodyBytes,
          batchImages,
          streamImages,
          aliases,
          results,
          traffic,
          payloads,
          browsers);
    }
  }
}
