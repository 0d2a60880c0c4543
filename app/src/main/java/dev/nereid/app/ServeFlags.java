package dev.nereid.app;

import java.time.Duration;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The options of {@code nereid serve}, by heading. */
final class ServeFlags {
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
      description = "How long running requests may take after a signal to stop (${DEFAULT-VALUE}).")
  private int exitTimeoutSeconds = 30;

  @ArgGroup(validate = false, exclusive = false, heading = "%nModels%n", order = 1)
  private ModelFlags models = new ModelFlags();

  @ArgGroup(validate = false, exclusive = false, heading = "%nv2 protocol over HTTP%n", order = 2)
  private ListenerFlags.Http http = new ListenerFlags.Http();

  @ArgGroup(validate = false, exclusive = false, heading = "%nv2 protocol over gRPC%n", order = 3)
  private GrpcFlags grpc = new GrpcFlags();

  @ArgGroup(validate = false, exclusive = false, heading = "%nMetrics%n", order = 4)
  private ListenerFlags.Metrics metrics = new ListenerFlags.Metrics();

  @ArgGroup(validate = false, exclusive = false, heading = "%nImage gateway%n", order = 5)
  private ListenerFlags.Gateway gateway = new ListenerFlags.Gateway();

  @ArgGroup(validate = false, exclusive = false, heading = "%nLimits%n", order = 6)
  private LimitFlags limits = new LimitFlags();

  @ArgGroup(validate = false, exclusive = false, heading = "%nLog%n", order = 7)
  private LogFlags logging = new LogFlags();

  @ArgGroup(validate = false, exclusive = false, heading = "%nAccess log%n", order = 8)
  private AccessFlags access = new AccessFlags();

  /** What they say, over what an installation has. */
  ServeOptions options(Installation installation) {
    ServeOptions.Http v2 = http.options();
    return new ServeOptions(
        id,
        strictReadiness,
        Duration.ofSeconds(exitTimeoutSeconds),
        models.options(installation),
        v2,
        grpc.options(),
        metrics.options(v2.endpoint().address()),
        gateway.options(),
        limits.options(),
        logging.options(),
        access.options());
  }
}
