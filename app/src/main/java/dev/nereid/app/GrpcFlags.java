package dev.nereid.app;

import dev.nereid.app.ServeOptions.Endpoint;
import dev.nereid.app.ServeOptions.KeepAlive;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

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

  ServeOptions.Grpc options() {
    return new ServeOptions.Grpc(
        new Endpoint(open, address, port),
        new KeepAlive(
            Duration.ofMillis(timeMillis),
            Duration.ofMillis(timeoutMillis),
            withoutCalls,
            Duration.ofMillis(minClientIntervalMillis)),
        maxAgeMillis == null ? null : Duration.ofMillis(maxAgeMillis),
        maxAgeGraceMillis == null ? null : Duration.ofMillis(maxAgeGraceMillis),
        messageBytes);
  }
}
