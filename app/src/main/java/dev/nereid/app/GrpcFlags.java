package dev.nereid.app;

import dev.nereid.app.ServeOptions.Endpoint;
import dev.nereid.app.ServeOptions.KeepAlive;
import dev.nereid.http.TlsFiles;
import dev.nereid.server.GrpcOptions.Packing;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Options of the gRPC listener. */
final class GrpcFlags {
  @Option(
      names = "--allow-grpc",
      paramLabel = "BOOL",
      converter = OnOff.class,
      arity = "1",
      description = "Whether it is offered (${DEFAULT-VALUE}).")
  private boolean open = true;

  @Option(
      names = "--grpc-address",
      paramLabel = "ADDRESS",
      description = "Where it listens (${DEFAULT-VALUE}).")
  private String address = "0.0.0.0";

  @Option(
      names = "--grpc-port",
      paramLabel = "PORT",
      description = "Its port; 0 lets the system choose (${DEFAULT-VALUE}).")
  private int port = 8001;

  @Option(
      names = "--reuse-grpc-port",
      paramLabel = "BOOL",
      converter = OnOff.class,
      arity = "1",
      description = "Whether other servers that say so may listen there, too (${DEFAULT-VALUE}).")
  private boolean shared;

  @Option(
      names = "--grpc-keepalive-time",
      paramLabel = "MILLIS",
      description = "Silence on a connection before the server pings (${DEFAULT-VALUE}).")
  private long timeMillis = 7_200_000;

  @Option(
      names = "--grpc-keepalive-timeout",
      paramLabel = "MILLIS",
      description = "How long it waits for the answer (${DEFAULT-VALUE}).")
  private long timeoutMillis = 20_000;

  @Option(
      names = "--grpc-keepalive-permit-without-calls",
      paramLabel = "BOOL",
      converter = OnOff.class,
      arity = "1",
      description = "Whether clients may ping while nothing runs (${DEFAULT-VALUE}).")
  private boolean withoutCalls;

  @Option(
      names = "--grpc-http2-min-recv-ping-interval-without-data",
      paramLabel = "MILLIS",
      description = "The least time between a client's pings (${DEFAULT-VALUE}).")
  private long minClientIntervalMillis = 300_000;

  @Option(
      names = "--grpc-max-connection-age",
      paramLabel = "MILLIS",
      description = "How long a connection may live (default: for ever).")
  private @Nullable Long maxAgeMillis;

  @Option(
      names = "--grpc-max-connection-age-grace",
      paramLabel = "MILLIS",
      description = "How long its calls may then take (default: as long as they like).")
  private @Nullable Long maxAgeGraceMillis;

  @Option(
      names = "--grpc-max-message-size",
      paramLabel = "BYTES",
      description = "The largest message accepted (${DEFAULT-VALUE}).")
  private int messageBytes = Integer.MAX_VALUE;

  @Option(
      names = "--grpc-restricted-protocol",
      paramLabel = "API[,API]:KEY=VALUE",
      description =
          "Calls that need metadata triton-grpc-protocol-KEY of that value; may be repeated.")
  private List<String> restricted = new ArrayList<>();

  @Option(
      names = "--grpc-header-forward-pattern",
      paramLabel = "REGEX",
      description = "Metadata that becomes parameters of a request (default: none).")
  private String forwardPattern = "";

  @Option(
      names = "--grpc-infer-response-compression-level",
      paramLabel = "none|low|medium|high",
      converter = PackingConverter.class,
      description = "How hard answers are packed for clients that take it (none).")
  private Packing packing = Packing.NONE;

  /** Closes the listener unless the command line opens it. */
  void close() {
    open = false;
  }

  ServeOptions.Grpc options(@Nullable TlsFiles tls) {
    return new ServeOptions.Grpc(
        new Endpoint(open, address, port, shared, tls),
        new KeepAlive(
            Duration.ofMillis(timeMillis),
            Duration.ofMillis(timeoutMillis),
            withoutCalls,
            Duration.ofMillis(minClientIntervalMillis)),
        maxAgeMillis == null ? null : Duration.ofMillis(maxAgeMillis),
        maxAgeGraceMillis == null ? null : Duration.ofMillis(maxAgeGraceMillis),
        CallFlags.access(
            "--grpc-restricted-protocol",
            restricted,
            "--grpc-header-forward-pattern",
            forwardPattern),
        packing,
        messageBytes);
  }

  /** Reads {@link Packing}. */
  static final class PackingConverter implements ITypeConverter<Packing> {
    @Override
    public Packing convert(String value) {
      return switch (value) {
        case "none" -> Packing.NONE;
        case "low" -> Packing.LOW;
        case "medium" -> Packing.MEDIUM;
        case "high" -> Packing.HIGH;
        default ->
            throw new TypeConversionException(value + " (expected: none, low, medium or high)");
      };
    }
  }
}
