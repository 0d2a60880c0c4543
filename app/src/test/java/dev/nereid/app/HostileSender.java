package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.app.HostileCases.Case;
import dev.nereid.app.HostileCases.Door;
import dev.nereid.client.EventLoops;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.GrpcOptions;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferenceException;
import dev.nereid.core.Shape;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;

/** Sends hostile inputs, and good ones, to a server's ports. */
final class HostileSender implements AutoCloseable {
  private final int httpPort;
  private final int gatewayPort;
  private final EventLoops loops = EventLoops.of(1);
  private final GrpcInferenceClient grpc;
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  HostileSender(int httpPort, int grpcPort, int gatewayPort) {
    this.httpPort = httpPort;
    this.gatewayPort = gatewayPort;
    grpc = new GrpcInferenceClient(GrpcOptions.of(RunningProgram.at(grpcPort)), loops);
  }

  /** Sends them one after another; each is answered as documented. */
  void sendAll(List<Case> cases) throws Exception {
    for (Case hostile : cases) {
      assertThat(status(hostile)).as("%s", hostile).isEqualTo(hostile.status());
    }
  }

  /** What an input is answered with. */
  String status(Case hostile) throws Exception {
    return switch (hostile) {
      case HostileCases.Posted posted -> post(posted);
      case HostileCases.Wire wire -> exchange(port(wire.door()), wire.bytes());
      case HostileCases.Called called -> call(called.call());
    };
  }

  private int port(Door door) {
    return switch (door) {
      case GATEWAY -> gatewayPort;
      case V2 -> httpPort;
    };
  }

  private String post(HostileCases.Posted posted) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + port(posted.door()) + posted.path()))
            .timeout(Duration.ofSeconds(30))
            .POST(HttpRequest.BodyPublishers.ofByteArray(posted.body()));
    posted.headers().forEach(request::header);
    HttpResponse<String> answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString());
    return Integer.toString(answer.statusCode());
  }

  /** The status that answers these bytes, after which the connection is dropped. */
  static String exchange(int port, byte[] bytes) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(30_000);
      socket.getOutputStream().write(bytes);
      var lines =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
      String line = String.valueOf(lines.readLine());
      return line.startsWith("HTTP/1.1 ") ? line.split(" ", 3)[1] : line;
    }
  }

  private String call(InferCall call) throws Exception {
    try {
      grpc.infer(call).get(30, TimeUnit.SECONDS);
      return "OK";
    } catch (ExecutionException e) {
      if (e.getCause() instanceof InferenceException failed) {
        return failed.failure().code();
      }
      throw e;
    }
  }

  /** A good request by the same way is served. */
  void assertGoodRequestsAreServed(Case hostile) throws Exception {
    InferCall good =
        InferCall.of(
            "simple",
            InferInput.ints("INPUT0", Shape.of(1, 16), new int[16]),
            InferInput.ints("INPUT1", Shape.of(1, 16), new int[16]));
    switch (hostile) {
      case HostileCases.Posted posted -> assertServed(posted.door());
      case HostileCases.Wire wire -> assertServed(wire.door());
      case HostileCases.Called _ -> assertThat(call(good)).isEqualTo("OK");
    }
  }

  private void assertServed(Door door) throws Exception {
    String status =
        switch (door) {
          case GATEWAY ->
              post(
                  new HostileCases.Posted(
                      "good",
                      door,
                      "/classify",
                      Map.of("content-type", "image/jpeg"),
                      RunningProgram.sample("tiny.jpg"),
                      "200"));
          case V2 ->
              post(
                  new HostileCases.Posted(
                      "good",
                      door,
                      "/v2/models/simple_identity/infer",
                      Map.of(),
                      """
                      {"inputs":[{"name":"INPUT0","datatype":"BYTES","shape":[1,1],"data":["a"]}]}\
                      """
                          .getBytes(StandardCharsets.UTF_8),
                      "200"));
        };
    assertThat(status).isEqualTo("200");
  }

  @Override
  public void close() {
    http.close();
    grpc.close();
    loops.close();
  }
}
