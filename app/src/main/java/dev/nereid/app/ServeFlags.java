package dev.nereid.app;

import java.time.Duration;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The options of {@code nereid serve}, by heading. */
final class ServeFlags {
  /** The headings in the help, each with the field that holds its options. */
  static final List<Section> SECTIONS =
      List.of(
          new Section("models", "Models"),
          new Section("sharing", "What models share"),
          new Section("http", "v2 protocol over HTTP"),
          new Section("grpc", "v2 protocol over gRPC"),
          new Section("metrics", "Metrics"),
          new Section("gateway", "Image gateway"),
          new Section("results", "Results that the gateway keeps"),
          new Section("payloads", "Pictures that the gateway writes down"),
          new Section("tls", "TLS"),
          new Section("callers", "Who may call"),
          new Section("upstream", "Remote servers behind the gateway"),
          new Section("limits", "Limits and timeouts"),
          new Section("logging", "Log"),
          new Section("access", "Access log"),
          new Section("traces", "Traces"));

  /** Options that belong together. */
  record Section(String field, String heading) {}

  @Option(
      names = "--id",
      paramLabel = "NAME",
      description = "The server's name in its metadata (default: ${DEFAULT-VALUE}).")
  private String id = "triton";

  @Option(
      names = "--strict-readiness",
      paramLabel = "BOOL",
      converter = OnOff.class,
      arity = "1",
      description =
          "Whether one model that is not ready makes the server not ready (${DEFAULT-VALUE}).")
  private boolean strictReadiness = true;

  @Option(
      names = "--exit-timeout-secs",
      paramLabel = "SECONDS",
      description = "How long ending may take after a signal to stop (${DEFAULT-VALUE}).")
  private int exitTimeoutSeconds = 30;

  @Option(
      names = "--exit-grace-secs",
      paramLabel = "SECONDS",
      description = {
        "How long, of that, it says that it is not ready while the listeners are still open, so that",
        "load balancers send no more; none after an interrupt from the keyboard (${DEFAULT-VALUE})."
      })
  private int exitGraceSeconds = 3;

  @Mixin private ModelFlags models = new ModelFlags();

  @Mixin private SharingFlags sharing = new SharingFlags();

  @Mixin private ListenerFlags.Http http = new ListenerFlags.Http();

  @Mixin private GrpcFlags grpc = new GrpcFlags();

  @Mixin private ListenerFlags.Metrics metrics = new ListenerFlags.Metrics();

  @Mixin private ListenerFlags.Gateway gateway = new ListenerFlags.Gateway();

  @Mixin private ResultCacheFlags results = new ResultCacheFlags();

  @Mixin private PayloadFlags payloads = new PayloadFlags();
  @Mixin private TlsFlags tls = new TlsFlags();

  @Mixin private CallerFlags callers = new CallerFlags();

  @Mixin private UpstreamFlags upstream = new UpstreamFlags();

  @Mixin private LimitFlags limits = new LimitFlags();

  @Mixin private LogFlags logging = new LogFlags();

  @Mixin private AccessFlags access = new AccessFlags();
  @Mixin private TraceFlags traces = new TraceFlags();

  /** The options of a process that is nothing but a gateway: the other listeners are closed. */
  static ServeFlags ofGateway() {
    ServeFlags flags = new ServeFlags();
    flags.http.close();
    flags.grpc.close();
    flags.metrics.close();
    return flags;
  }

  /** Whether remote servers are named. */
  boolean hasUpstream() {
    return upstream.isGiven();
  }

  /** What is taken and should be said otherwise. */
  List<String> warnings() {
    return models.warnings();
  }

  /** What they say, over what an installation has. */
  ServeOptions options(Installation installation) {
    ServeOptions.Logging said = logging.options();
    ServeOptions.Http v2 = http.options(tls.http());
    return new ServeOptions(
        id,
        strictReadiness,
        Duration.ofSeconds(exitTimeoutSeconds),
        Duration.ofSeconds(exitGraceSeconds),
        models.options(installation, sharing.options()),
        v2,
        grpc.options(tls.grpc()),
        metrics.options(v2.endpoint().address(), tls.metrics()),
        gateway.options(tls.gateway(), results.options(), payloads.options()),
        limits.options(),
        limits.timeouts(),
        said,
        access.options(said.format()),
        upstream.options(),
        callers.options(),
        traces.options(hasUpstream() ? "nereid-gateway" : "nereid"));
  }
}
