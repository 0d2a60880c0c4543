package dev.nereid.app;

import dev.nereid.client.Endpoint;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.HttpInferenceClient;
import dev.nereid.client.HttpOptions;
import dev.nereid.client.ImageClient;
import dev.nereid.client.ImageForm;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferenceClient;
import dev.nereid.core.Shape;
import dev.nereid.engine.IndexEntry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/**
 * Plays a short day of the server, so that the JVM can write down which classes it needs and which
 * methods are hot: listeners on ports that the system chooses, the demo models, some requests over
 * each protocol. The launcher runs it with {@code -XX:AOTCacheOutput}.
 */
@Command(
    name = "aot-train",
    hidden = true,
    description = "Plays a short day of the server for the JVM to learn from.")
final class TrainCommand implements Callable<Integer> {
  private static final int ROUNDS = 50;
  private static final int PICTURES = 3;
  private static final Duration LIMIT = Duration.ofSeconds(10);
  private static final long LOAD_SECONDS = 60;

  private final Installation installation;

  @Mixin
  @SuppressWarnings("unused") // picocli acts on it
  private HelpFlag help = new HelpFlag();

  TrainCommand(Installation installation) {
    this.installation = installation;
  }

  @Override
  public Integer call() throws Exception {
    ServeFlags flags = new ServeFlags();
    new CommandLine(flags)
        .parseArgs(
            "--http-port=0",
            "--grpc-port=0",
            "--metrics-port=0",
            "--gateway-port=0",
            "--http-address=127.0.0.1",
            "--grpc-address=127.0.0.1",
            "--gateway-address=127.0.0.1");
    ServeOptions options = flags.options(installation);
    Logs.configure(options.logging());
    StopSignal.listen();
    try (Server server = Server.start(options, installation);
        EventLoops loops = EventLoops.of(1)) {
      var report = server.engine().started().get(LOAD_SECONDS, TimeUnit.SECONDS);
      try (var http = new HttpInferenceClient(httpOptions(server.httpPort()), loops);
          var grpc = new GrpcInferenceClient(GrpcOptions.of(at(server.grpcPort())), loops)) {
        for (InferenceClient client : List.of(http, grpc)) {
          call(client, report.entries());
        }
      }
      sendPictures(server, loops);
      server.drain(Duration.ZERO, LIMIT);
    }
    return 0;
  }

  private static void call(InferenceClient client, List<IndexEntry> models) throws Exception {
    client.isReady();
    client.server();
    for (IndexEntry model : models) {
      if (model.state() == IndexEntry.State.READY) {
        client.model(model.model());
      }
    }
    InferCall numbers =
        InferCall.of(
            "simple",
            InferInput.ints("INPUT0", Shape.of(1, 16), new int[16]),
            InferInput.ints("INPUT1", Shape.of(1, 16), new int[16]));
    for (int i = 0; i < ROUNDS; i++) {
      client.infer(numbers.withTimeout(LIMIT)).get();
    }
    client.statistics("");
  }

  private void sendPictures(Server server, EventLoops loops) throws Exception {
    Path sample = installation.home().resolve("samples").resolve("scene.jpg");
    if (server.gatewayPort() < 0 || !Files.exists(sample)) {
      return;
    }
    byte[] picture = Files.readAllBytes(sample);
    try (var images = new ImageClient(httpOptions(server.gatewayPort()), loops)) {
      for (int i = 0; i < PICTURES; i++) {
        images.post("/detect", ImageForm.MULTIPART, picture, LIMIT).get();
      }
    }
  }

  private static HttpOptions httpOptions(int port) {
    return HttpOptions.of(at(port));
  }

  private static Endpoint at(int port) {
    return new Endpoint("127.0.0.1", port);
  }
}
