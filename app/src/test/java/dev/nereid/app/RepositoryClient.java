package dev.nereid.app;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc;
import dev.nereid.protocol.proto.GRPCInferenceServiceGrpc.GRPCInferenceServiceBlockingStub;
import dev.nereid.protocol.proto.RepositoryIndexRequest;
import dev.nereid.protocol.proto.RepositoryModelLoadRequest;
import dev.nereid.protocol.proto.RepositoryModelUnloadRequest;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Calls the model repository extension over one of the protocols. Every call ends within a minute;
 * one that is refused throws what was answered.
 */
interface RepositoryClient extends AutoCloseable {
  Duration NO_HANG = Duration.ofSeconds(60);

  void load(String model) throws Exception;

  void unload(String model) throws Exception;

  /** State and reason of each model or version, under {@code NAME/VERSION}. */
  SortedMap<String, String> index() throws Exception;

  @Override
  void close();

  private static String told(String state, String reason) {
    return reason.isEmpty() ? state : state + ": " + reason;
  }

  /** Over HTTP in plain text. */
  static RepositoryClient overHttp(RunningProgram program) {
    return new OverHttp(
        HttpClient.newHttpClient(), URI.create("http://127.0.0.1:" + program.server.httpPort()));
  }

  /** Over HTTP in this TLS. */
  static RepositoryClient overHttps(RunningProgram program, SSLContext tls) {
    return new OverHttp(
        HttpClient.newBuilder().sslContext(tls).build(),
        URI.create("https://127.0.0.1:" + program.server.httpPort()));
  }

  /** Over gRPC in plain text. */
  static RepositoryClient overGrpc(RunningProgram program) {
    return new OverGrpc(
        NettyChannelBuilder.forAddress("127.0.0.1", program.server.grpcPort())
            .usePlaintext()
            .build());
  }

  /** Over HTTP. */
  record OverHttp(HttpClient client, URI server) implements RepositoryClient {
    private String post(String path) throws IOException, InterruptedException {
      HttpRequest request =
          HttpRequest.newBuilder(server.resolve("/v2/repository/" + path))
              .timeout(NO_HANG)
              .POST(HttpRequest.BodyPublishers.noBody())
              .build();
      HttpResponse<String> response = client.send(request, BodyHandlers.ofString(UTF_8));
      if (response.statusCode() != 200) {
        throw new IllegalStateException(response.statusCode() + " " + response.body());
      }
      return response.body();
    }

    @Override
    public void load(String model) throws Exception {
      post("models/" + model + "/load");
    }

    @Override
    public void unload(String model) throws Exception {
      post("models/" + model + "/unload");
    }

    @Override
    public SortedMap<String, String> index() throws Exception {
      SortedMap<String, String> states = new TreeMap<>();
      for (JsonNode model : new JsonMapper().readTree(post("index"))) {
        states.put(
            text(model, "name") + "/" + text(model, "version"),
            told(text(model, "state"), text(model, "reason")));
      }
      return states;
    }

    private static String text(JsonNode model, String member) {
      return model.path(member).asString("");
    }

    @Override
    public void close() {
      client.close();
    }
  }

  /** Over gRPC. */
  record OverGrpc(ManagedChannel channel) implements RepositoryClient {
    private GRPCInferenceServiceBlockingStub stub() {
      return GRPCInferenceServiceGrpc.newBlockingStub(channel)
          .withDeadlineAfter(NO_HANG.toSeconds(), TimeUnit.SECONDS);
    }

    @Override
    public void load(String model) {
      var _ =
          stub()
              .repositoryModelLoad(
                  RepositoryModelLoadRequest.newBuilder().setModelName(model).build());
    }

    @Override
    public void unload(String model) {
      var _ =
          stub()
              .repositoryModelUnload(
                  RepositoryModelUnloadRequest.newBuilder().setModelName(model).build());
    }

    @Override
    public SortedMap<String, String> index() {
      SortedMap<String, String> states = new TreeMap<>();
      for (var model :
          stub().repositoryIndex(RepositoryIndexRequest.getDefaultInstance()).getModelsList()) {
        states.put(
            model.getName() + "/" + model.getVersion(), told(model.getState(), model.getReason()));
      }
      return states;
    }

    @Override
    public void close() {
      channel.shutdownNow();
    }
  }
}
