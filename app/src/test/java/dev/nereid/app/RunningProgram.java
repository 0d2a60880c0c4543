package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.ImageClient;
import dev.nereid.client.InferenceClient;
import dev.nereid.client.ModelStatistics;
import dev.nereid.client.Upstreams;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import picocli.CommandLine;

/** The whole program on ports that the system chose, every model loaded, and clients to it. */
final class RunningProgram implements AutoCloseable {
  static final Path HOME = Path.of("..").toAbsolutePath().normalize();
  private static final Duration DRAIN = Duration.ofSeconds(20);
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(1);
  private static final long QUIET_NANOS = TimeUnit.SECONDS.toNanos(20);

  final Server server;
  final EventLoops loops = EventLoops.of(2);

  /** The demo repository, with more options of the command line. */
  static RunningProgram ofDemoModels(String... flags) throws Exception {
    return new RunningProgram(List.of(HOME.resolve("models")), flags);
  }

  RunningProgram(List<Path> repositories, String... flags) throws Exception {
    List<String> arguments = new ArrayList<>();
    repositories.forEach(repository -> arguments.add("--model-repository=" + repository));
    arguments.addAll(List.of("--access-log=off", "--slow-request-ms=0"));
    for (String listener : List.of("http", "grpc", "metrics", "gateway")) {
      arguments.add("--" + listener + "-address=127.0.0.1");
      arguments.add("--" + listener + "-port=0");
    }
    arguments.addAll(List.of(flags));
    ServeFlags parsed = new ServeFlags();
    new CommandLine(parsed)
        .setOverwrittenOptionsAllowed(true)
        .parseArgs(arguments.toArray(String[]::new));
    Installation installation = new Installation(HOME, null, "1.2.3");
    server = Server.start(parsed.options(installation), installation);
    assertThat(server.engine().started().get(60, TimeUnit.SECONDS).failures()).isEmpty();
  }

  static byte[] sample(String name) {
    try {
      return Files.readAllBytes(HOME.resolve("samples").resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Endpoint at(int port) {
    return new Endpoint("127.0.0.1", port);
  }

  HttpInferenceClient http(int connections) {
    return new HttpInferenceClient(
        HttpOptions.of(at(server.httpPort())).withMaxConnections(connections), loops);
  }

  GrpcInferenceClient grpc(int channels) {
    return new GrpcInferenceClient(
        GrpcOptions.of(at(server.grpcPort())).withChannels(channels), loops);
  }

  /** The remote servers of a program in front of some. */
  Upstreams upstreams() {
    return Objects.requireNonNull(server.upstreams());
  }

  ImageClient images() {
    return new ImageClient(HttpOptions.of(at(server.gatewayPort())), loops);
  }

  /** What the statistics endpoint says of a model with one version. */
  static ModelStatistics statistics(InferenceClient client, String model) {
    return client.statistics(model).getFirst();
  }

  /** Leases still open once nothing is left to do; waits for them to end, but not for ever. */
  long openLeases() {
    long end = System.nanoTime() + QUIET_NANOS;
    while (server.engine().memory().openLeases() > 0 && System.nanoTime() < end) {
      LockSupport.parkNanos(POLL_NANOS);
    }
    return server.engine().memory().openLeases();
  }

  @Override
  public void close() {
    assertThat(server.drain(Duration.ZERO, DRAIN)).as("drained").isTrue();
    assertThat(openLeases()).as("open leases").isZero();
    var upstreams = server.upstreams();
    server.close();
    if (upstreams != null) {
      assertThat(upstreams.memory().openLeases()).as("open leases of replies").isZero();
    }
    loops.close();
  }
}
