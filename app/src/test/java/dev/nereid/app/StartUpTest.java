package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** What a server does before its models are loaded, and when one of them cannot be. */
@Timeout(60)
final class StartUpTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  @TempDir Path repository;
  private final HttpClient http = HttpClient.newHttpClient();

  @BeforeEach
  void hold() {
    SlowLoadingProvider.hold();
  }

  @AfterEach
  void letGo() {
    SlowLoadingProvider.letAll();
    http.close();
  }

  private void model(String name, String backend) throws IOException {
    Files.createDirectories(repository.resolve(name).resolve("1"));
    Files.writeString(
        repository.resolve(name).resolve("config.pbtxt"),
        """
        backend: "%s"
        max_batch_size: 4
        input { name: "INPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
        output { name: "OUTPUT0" data_type: TYPE_INT32 dims: [ 2 ] }
        """
            .formatted(backend));
  }

  private Server start(String... more) {
    List<String> arguments = new ArrayList<>(List.of("--access-log=off"));
    arguments.add("--model-repository=" + repository);
    for (String listener : List.of("http", "grpc", "metrics", "gateway")) {
      arguments.add("--" + listener + "-address=127.0.0.1");
      arguments.add("--" + listener + "-port=0");
    }
    arguments.addAll(List.of(more));
    ServeFlags flags = new ServeFlags();
    new CommandLine(flags).parseArgs(arguments.toArray(String[]::new));
    Installation installation = new Installation(repository, null, "1.2.3");
    return Server.start(flags.options(installation), installation);
  }

  private HttpResponse<String> send(int port, String path, String body) throws Exception {
    var request = HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path));
    return http.send(
        (body.isEmpty() ? request : request.POST(BodyPublishers.ofString(body))).build(),
        HttpResponse.BodyHandlers.ofString());
  }

  private int get(int port, String path) throws Exception {
    return send(port, path, "").statusCode();
  }

  private int infer(int port, String model) throws Exception {
    String body =
        """
        {"inputs":[{"name":"INPUT0","datatype":"INT32","shape":[1,2],"data":[1,2]}]}
        """;
    return send(port, "/v2/models/" + model + "/infer", body).statusCode();
  }

  private static void until(Callable<Boolean> holds) throws Exception {
    long end = System.nanoTime() + LIMIT.toNanos();
    while (!holds.call()) {
      assertThat(System.nanoTime()).as("in time").isLessThan(end);
      LockSupport.parkNanos(1_000_000);
    }
  }

  @Test
  void theListenersAnswerWhileAModelLoadsAndSayThatTheyAreNotReady() throws Exception {
    model("slow", "slow_loading");
    model("quick", "identity");
    try (Server server = start()) {
      SlowLoadingProvider.awaitBegun(1);
      int port = server.httpPort();
      until(() -> get(port, "/v2/models/quick/ready") == 200);
      assertThat(get(port, "/v2/health/live")).isEqualTo(200);
      assertThat(get(port, "/v2/health/ready")).isEqualTo(400);
      assertThat(get(port, "/v2/models/slow/ready")).isEqualTo(400);
      assertThat(infer(port, "quick")).as("what is loaded is served").isEqualTo(200);
      assertThat(infer(port, "slow")).isEqualTo(503);
      assertThat(send(port, "/v2/repository/index", "{}").body()).contains("LOADING");
      assertThat(get(server.metricsPort(), "/metrics")).isEqualTo(200);
      assertThat(get(server.gatewayPort(), "/healthz")).isEqualTo(200);
      assertThat(server.engine().started()).isNotDone();
      try (EventLoops loops = EventLoops.of(1);
          var grpc =
              new GrpcInferenceClient(
                  GrpcOptions.of(RunningProgram.at(server.grpcPort())), loops)) {
        assertThat(grpc.isLive()).isTrue();
        assertThat(grpc.isReady()).isFalse();
        SlowLoadingProvider.letAll();
        assertThat(server.engine().started().get(20, TimeUnit.SECONDS).failures()).isEmpty();
        assertThat(grpc.isReady()).isTrue();
      }
      assertThat(get(port, "/v2/health/ready")).isEqualTo(200);
      assertThat(infer(port, "slow")).isEqualTo(200);
      assertThat(server.drain(Duration.ZERO, LIMIT)).isTrue();
      assertThat(server.engine().memory().openLeases()).isZero();
    }
  }

  @Test
  void modelsLoadSideBySideAsManyAsAreAllowed() throws Exception {
    for (int i = 0; i < 6; i++) {
      model("slow" + i, "slow_loading");
    }
    try (Server server = start("--model-load-thread-count=3")) {
      SlowLoadingProvider.awaitBegun(3);
      SlowLoadingProvider.let(1);
      SlowLoadingProvider.awaitBegun(1);
      assertThat(server.engine().started()).isNotDone();
      SlowLoadingProvider.letAll();
      assertThat(server.engine().started().get(20, TimeUnit.SECONDS).failures()).isEmpty();
      assertThat(SlowLoadingProvider.atATime()).isEqualTo(3);
      assertThat(get(server.httpPort(), "/v2/health/ready")).isEqualTo(200);
    }
  }

  private ChildServer process(String exitOnError) throws Exception {
    model("sound", "identity");
    model("broken", "no_such_backend");
    return new ChildServer(
        repository,
        new ChildServer.Start("", Map.of(), List.of(), List.of("--exit-on-error=" + exitOnError)));
  }

  @Test
  void aBrokenModelEndsTheProcessWhereThatIsWanted() throws Exception {
    try (ChildServer server = process("true")) {
      assertThat(server.awaitExit()).isEqualTo(1);
      assertThat(server.output())
          .containsPattern("(?m)^nereid serve: 'broken' could not be loaded: .*no_such_backend")
          .containsPattern("sound +1 +ready");
    }
  }

  @Test
  void aBrokenModelLeavesTheOthersServedOtherwise() throws Exception {
    try (ChildServer server = process("false")) {
      int port = server.httpPort();
      assertThat(infer(port, "sound")).isEqualTo(200);
      assertThat(infer(port, "broken")).isEqualTo(404);
      assertThat(get(port, "/v2/health/live")).isEqualTo(200);
      assertThat(get(port, "/v2/health/ready")).isEqualTo(400);
      assertThat(server.output()).containsPattern("broken +\\S+ +FAILED +.*no_such_backend");
      assertThat(server.isAlive()).isTrue();
    }
  }
}
