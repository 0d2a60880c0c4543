package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
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
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

final class ServerTest {
  private static final Duration LIMIT = Duration.ofSeconds(10);

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
      assertThat(server.drain(LIMIT)).isTrue();
      assertThat(server.engine().memory().openLeases()).isZero();
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
    assertThat(serve("--model-control-mode=explicit")).contains("--model-control-mode: explicit");
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
