package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.app.HostileCases.Case;
import dev.nereid.app.HostileCases.Door;
import dev.nereid.client.GrpcInferenceClient;
import dev.nereid.client.InferCall;
import dev.nereid.client.InferInput;
import dev.nereid.client.InferenceException;
import dev.nereid.core.Shape;
import dev.nereid.gateway.Gateway;
import dev.nereid.gateway.GatewayOptions;
import dev.nereid.http.AccessLog;
import dev.nereid.http.EventLoops;
import dev.nereid.http.ListenerOptions;
import dev.nereid.telemetry.Metrics;
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
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever comes in, the answer is the documented one, and nothing stays behind. */
@Timeout(90)
final class HostileInputsTest {
  private static final int ROUNDS = 4;

  /** The heap may grow within its own limit, and every thread keeps buffers of its own. */
  private static final long GROWTH_BYTES = 128L << 20;

  private static RunningProgram program;
  private static GrpcInferenceClient grpc;
  private static HttpClient http;

  @BeforeAll
  static void start() throws Exception {
    program =
        RunningProgram.ofDemoModels(
            "--http-max-input-size=" + HostileCases.BODY_BYTES,
            "--gateway-max-body-size=" + HostileCases.BODY_BYTES);
    grpc = program.grpc(1);
    http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  @AfterAll
  static void stop() {
    http.close();
    grpc.close();
    program.close();
  }

  static Stream<Case> cases() {
    return HostileCases.all().stream();
  }

  @ParameterizedTest
  @MethodSource("cases")
  void isAnsweredAsDocumentedAndTheNextRequestIsServed(Case hostile) throws Exception {
    assertThat(status(hostile)).isEqualTo(hostile.status());
    assertGoodRequestsAreServed(hostile);
  }

  @Test
  void leavesNoMemoryBehind() throws Exception {
    List<Case> all = HostileCases.all();
    assertThat(all).hasSizeGreaterThanOrEqualTo(40);
    sendAll(all);
    assertThat(program.openLeases()).isZero();
    long used = program.server.engine().memory().usedBytes();
    long resident = residentBytes();
    for (int round = 0; round < ROUNDS; round++) {
      sendAll(all);
    }
    assertThat(program.openLeases()).isZero();
    assertThat(program.server.engine().memory().usedBytes()).isEqualTo(used);
    assertThat(residentBytes() - resident).isLessThan(GROWTH_BYTES);
  }

  @Test
  void aBodyThatDribblesIsCutOff() throws Exception {
    ListenerOptions usual = GatewayOptions.of(0, "1.2.3").listener();
    ListenerOptions hasty =
        usual.with(
            new ListenerOptions.Timeouts(
                Duration.ofSeconds(75), Duration.ofMillis(300), 64 << 10, Duration.ZERO));
    GatewayOptions options = GatewayOptions.of(0, "1.2.3").with(hasty);
    EventLoops loops = EventLoops.start(1);
    try (loops;
        Gateway gateway =
            Gateway.over(program.server.engine(), options, loops, new Metrics(), AccessLog.OFF)) {
      gateway.start();
      String start =
          """
          POST /detect HTTP/1.1
          host: a
          content-type: image/jpeg
          content-length: 900

          some\
          """
              .replace("\n", "\r\n");
      assertThat(exchange(gateway.port(), start.getBytes(StandardCharsets.US_ASCII)))
          .isEqualTo("408");
    }
    assertThat(program.openLeases()).isZero();
  }

  private static void sendAll(List<Case> cases) throws Exception {
    for (Case hostile : cases) {
      assertThat(status(hostile)).as("%s", hostile).isEqualTo(hostile.status());
    }
  }

  private static String status(Case hostile) throws Exception {
    return switch (hostile) {
      case HostileCases.Posted posted -> post(posted);
      case HostileCases.Wire wire -> exchange(port(wire.door()), wire.bytes());
      case HostileCases.Called called -> call(called.call());
    };
  }

  private static int port(Door door) {
    return switch (door) {
      case GATEWAY -> program.server.gatewayPort();
      case V2 -> program.server.httpPort();
    };
  }

  private static String post(HostileCases.Posted posted) throws Exception {
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
  private static String exchange(int port, byte[] bytes) throws IOException {
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

  private static String call(InferCall call) throws Exception {
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

  private static void assertGoodRequestsAreServed(Case hostile) throws Exception {
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

  private static void assertServed(Door door) throws Exception {
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

  private static long residentBytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
        .sum();
  }
}
