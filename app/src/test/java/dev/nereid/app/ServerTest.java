package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class ServerTest {
  private static final Duration LIMIT = Duration.ofSeconds(10);

  /** Answers after three seconds: later than the grace of the test ends. */
  private static final String SLOW =
      """
      backend: "delay"
      max_batch_size: 4
      input { name: "INPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
      output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
      parameters { key: "delay_ms" value { string_value: "3000" } }
      """;

  private static final String RUNNING = "nereid_in_flight_requests{listener=\"http\"} 1";

  @TempDir Path repository;

  private ServeOptions options(String... more) throws IOException {
    Path echo = Files.createDirectories(repository.resolve("echo"));
    Files.createDirectories(echo.resolve("1"));
    Files.writeString(
        echo.resolve("config.pbtxt"),
        """
        backend: "identity"
        max_batch_size: 4
        input { name: "INPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
        output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
        dynamic_batching { }
        """);
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--model-repository=" + repository,
                "--access-log=off",
                "--http-address=127.0.0.1",
                "--grpc-address=127.0.0.1",
                "--gateway-address=127.0.0.1",
                "--http-port=0",
                "--grpc-port=0",
                "--metrics-port=0",
                "--gateway-port=0"));
    arguments.addAll(List.of(more));
    ServeFlags flags = new ServeFlags();
    new CommandLine(flags)
        .setOverwrittenOptionsAllowed(true)
        .parseArgs(arguments.toArray(String[]::new));
    return flags.options(installation());
  }

  private Installation installation() {
    return new Installation(repository, null, "1.2.3");
  }

  private static HttpResponse<String> get(int port, String path) throws Exception {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build(),
          HttpResponse.BodyHandlers.ofString());
    }
  }

  @Test
  void everyListenerAnswersAndDrains() throws Exception {
    ServeOptions options = options();
    try (Server server = Server.start(options, installation())) {
      var report = server.engine().started().get(10, TimeUnit.SECONDS);
      assertThat(report.failures()).isEmpty();
      assertThat(get(server.httpPort(), "/v2/health/ready").statusCode()).isEqualTo(200);
      assertThat(get(server.httpPort(), "/v2").body()).contains("\"triton\"", "\"1.2.3\"");
      assertThat(get(server.metricsPort(), "/metrics").body())
          .contains("nv_inference_request_success{model=\"echo\"", "process_cpu_seconds_total");
      assertThat(server.grpcPort()).isPositive();
      assertThat(get(server.gatewayPort(), "/healthz").statusCode()).isEqualTo(200);
      assertThat(server.drain(Duration.ZERO, LIMIT)).isTrue();
      assertThat(server.engine().memory().openLeases()).isZero();
    }
  }

  @Test
  void readinessIsWithdrawnBeforeTheListenersClose() throws Exception {
    Path slow = repository.resolve("slow");
    Files.createDirectories(slow.resolve("1"));
    Files.writeString(slow.resolve("config.pbtxt"), SLOW);
    try (Server server = Server.start(options(), installation());
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      server.engine().started().get(10, TimeUnit.SECONDS);
      int port = server.httpPort();
      Future<Integer> inFlight = threads.submit(() -> infer(port, "slow"));
      until(() -> get(server.metricsPort(), "/metrics").body().contains(RUNNING));
      Future<Boolean> drained = threads.submit(() -> server.drain(Duration.ofSeconds(2), LIMIT));
      until(() -> get(port, "/v2/health/ready").statusCode() == 400);
      assertThat(get(port, "/v2/models/echo/ready").statusCode()).isEqualTo(400);
      assertThat(get(port, "/v2/health/live").statusCode()).isEqualTo(200);
      assertThat(get(server.gatewayPort(), "/health").body()).contains("\"status\":\"ending\"");
      assertThat(infer(port, "echo")).isEqualTo(200); // on a connection of its own
      assertThat(drained).isNotDone();
      assertThat(inFlight.get(10, TimeUnit.SECONDS)).isEqualTo(200);
      assertThat(drained.get(15, TimeUnit.SECONDS)).isTrue();
      assertThatThrownBy(() -> get(port, "/v2/health/live")).isInstanceOf(ConnectException.class);
    }
  }

  private static int infer(int port, String model) throws Exception {
    String json =
        """
        {"inputs":[{"name":"INPUT0","datatype":"INT32","shape":[1,2],"data":[1,2]}]}
        """;
    URI path = URI.create("http://127.0.0.1:" + port + "/v2/models/" + model + "/infer");
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client
          .send(
              HttpRequest.newBuilder(path).POST(HttpRequest.BodyPublishers.ofString(json)).build(),
              HttpResponse.BodyHandlers.ofString())
          .statusCode();
    }
  }

  private static void until(Callable<Boolean> holds) throws Exception {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (!holds.call()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(end);
      Thread.onSpinWait();
    }
  }

  @Test
  void theBannerTellsWhereToConnectAndWhatIsServed() throws Exception {
    Files.createDirectories(repository.resolve("broken"));
    Files.writeString(repository.resolve("broken/config.pbtxt"), "nonsense: 1");
    ServeOptions options = options();
    StringWriter text = new StringWriter();
    try (Server server = Server.start(options, installation())) {
      Banner banner = new Banner(options, server, installation());
      PrintWriter out = new PrintWriter(text);
      banner.printAddresses(out);
      var report = server.engine().started().get(10, TimeUnit.SECONDS);
      banner.printModels(out, report, Duration.ofMillis(1234));
      assertThat(text.toString())
          .contains("http://127.0.0.1:" + server.httpPort())
          .contains("127.0.0.1:" + server.grpcPort())
          .containsPattern("echo +1 +ready +1 instance")
          .containsPattern("broken +- +FAILED +.*nonsense")
          .contains("Not ready after 1.2 s, 1 of 2 models failed")
          .contains("curl http://127.0.0.1:" + server.httpPort() + "/v2/models/echo");
    }
  }

  @Test
  void aPortInUseIsSaidWithTheFlagThatHelps() throws Exception {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      int port = taken.getLocalPort();
      for (String flag :
          List.of("--http-port", "--grpc-port", "--metrics-port", "--gateway-port")) {
        ServeOptions options = options(flag + "=" + port);
        assertThatThrownBy(() -> Server.start(options, installation()).close())
            .hasMessage("port " + port + " is in use; try " + flag);
      }
    }
  }

  @Test
  void whatIsNotOfferedIsNotOpened() throws Exception {
    ServeOptions options =
        options(
            "--allow-http=false",
            "--allow-grpc=false",
            "--allow-metrics=false",
            "--allow-gateway=false");
    try (Server server = Server.start(options, installation())) {
      assertThat(server.httpPort()).isEqualTo(-1);
      assertThat(server.grpcPort()).isEqualTo(-1);
      assertThat(server.metricsPort()).isEqualTo(-1);
      assertThat(server.gatewayPort()).isEqualTo(-1);
    }
  }

  @Test
  void mishapsOfTheCommandLineAreSaidInOneLine() throws Exception {
    options();
    assertThat(serve("--model-repository=" + repository.resolve("nowhere")))
        .contains("nowhere: no such directory (expected: a directory with one folder for each");
    assertThat(serve("--http-port=9", "--grpc-port=9"))
        .contains("--grpc-port: 9 (expected: a port of its own, --http-port has this one)");
    assertThat(serve("--htp-port=9"))
        .contains("unknown option --htp-port, did you mean --http-port?");
    assertThat(serve("--model-control-mode=never"))
        .contains("--model-control-mode", "never (expected: none, poll or explicit)");
    assertThat(serve("--load-model=echo"))
        .contains("--load-model: echo (expected: together with --model-control-mode=explicit)");
    assertThat(serve("--log-verbose=loud")).contains("'--log-verbose'", "loud");
  }

  private String serve(String... arguments) {
    StringWriter err = new StringWriter();
    CommandLine line = Nereid.commandLine(installation());
    line.setErr(new PrintWriter(err, true));
    List<String> all = new ArrayList<>(List.of("serve", "--model-repository=" + repository));
    all.addAll(List.of(arguments));
    assertThat(line.execute(all.toArray(String[]::new))).isEqualTo(1);
    assertThat(err.toString()).hasLineCount(1);
    return err.toString();
  }
}
