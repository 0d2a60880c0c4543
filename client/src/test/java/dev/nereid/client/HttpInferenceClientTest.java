package dev.nereid.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.core.DataType;
import dev.nereid.core.Shape;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(20)
final class HttpInferenceClientTest {
  private static final Shape FOUR = Shape.of(1, 4);
  private static EventLoops loops;

  @BeforeAll
  static void open() {
    loops = EventLoops.of(2);
  }

  @AfterAll
  static void closeLoops() {
    loops.close();
  }

  /**
   * Answers every input as an output of the same name, binary, from what the request's JSON says.
   */
  static PlainHttpServer.Response echoBinary(PlainHttpServer.Request request) {
    int jsonLength = Integer.parseInt(request.headers().get("inference-header-content-length"));
    String json = new String(request.body(), 0, jsonLength, StandardCharsets.UTF_8);
    String inputs = json.substring(json.indexOf("\"inputs\":") + 9, json.lastIndexOf(']') + 1);
    byte[] head =
        ("{\"model_name\":\"m\",\"model_version\":\"3\",\"outputs\":" + inputs + "}")
            .getBytes(StandardCharsets.UTF_8);
    ByteBuffer body = ByteBuffer.allocate(head.length + request.body().length - jsonLength);
    body.put(head).put(request.body(), jsonLength, request.body().length - jsonLength);
    return new PlainHttpServer.Response(
        200, Map.of("Inference-Header-Content-Length", "" + head.length), body.array());
  }

  static PlainHttpServer.Response echoJson(PlainHttpServer.Request request) {
    String json = new String(request.body(), StandardCharsets.UTF_8);
    return PlainHttpServer.Response.of(
        200,
        "{\"outputs\":"
            + json.substring(json.indexOf("\"inputs\":") + 9, json.lastIndexOf('}'))
            + ",\"model_name\":\"m\"}");
  }

  @Test
  void binaryTensorsOfEveryKindComeBackAsTheyWere() {
    try (var server = new PlainHttpServer(HttpInferenceClientTest::echoBinary);
        var client = new HttpInferenceClient(HttpOptions.of(server.endpoint()), loops)) {
      InferResult result =
          client
              .infer(
                  InferCall.of(
                      "m",
                      InferInput.floats("f", FOUR, 1.5f, -2, Float.NaN, 0),
                      InferInput.longs("l", FOUR, 1, -1, Long.MAX_VALUE, 0),
                      InferInput.strings("s", Shape.of(2), "a", "ü"),
                      InferInput.booleans("b", Shape.of(2), true, false)))
              .join();
      assertThat(result.version()).isEqualTo("3");
      assertThat(result.output("f").floats()).containsExactly(1.5f, -2, Float.NaN, 0);
      assertThat(result.output("l").longs()).containsExactly(1, -1, Long.MAX_VALUE, 0);
      assertThat(result.output("s").strings()).containsExactly("a", "ü");
      assertThat(result.output("b").booleans()).containsExactly(true, false);
    }
  }

  @Test
  void jsonTensorsComeBackAsTheyWere() {
    try (var server = new PlainHttpServer(HttpInferenceClientTest::echoJson);
        var client = new HttpInferenceClient(HttpOptions.of(server.endpoint()).withJson(), loops)) {
      ByteBuffer unsigned = ByteBuffer.allocate(8).putLong(0, -1);
      InferResult result =
          client
              .infer(
                  InferCall.of(
                      "m",
                      InferInput.floats("f", FOUR, 1.5f, -2, 1e-30f, 0),
                      InferInput.doubles("d", Shape.of(1), Math.PI),
                      InferInput.ints("i", Shape.of(2), Integer.MIN_VALUE, 7),
                      InferInput.unsignedBytes("u", Shape.of(2), (byte) 255, (byte) 0),
                      new InferInput("u64", DataType.UINT64, Shape.of(1), unsigned),
                      InferInput.strings("s", Shape.of(2), "a\"", "ü")))
              .join();
      assertThat(result.output("f").floats()).containsExactly(1.5f, -2, 1e-30f, 0);
      assertThat(result.output("d").doubles()).containsExactly(Math.PI);
      assertThat(result.output("i").ints()).containsExactly(Integer.MIN_VALUE, 7);
      assertThat(result.output("u").longs()).containsExactly(255, 0);
      assertThat(result.output("u64").longs()).containsExactly(-1);
      assertThat(result.output("s").strings()).containsExactly("a\"", "ü");
    }
  }

  @Test
  void callsBeyondTheConnectionsWaitAndAreAllAnswered() {
    try (var server = new PlainHttpServer(HttpInferenceClientTest::echoBinary);
        var client =
            new HttpInferenceClient(
                HttpOptions.of(server.endpoint()).withMaxConnections(3), loops)) {
      List<CompletableFuture<InferResult>> results = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        results.add(client.infer(InferCall.of("m", InferInput.ints("i", Shape.of(1), i))));
      }
      for (int i = 0; i < 500; i++) {
        assertThat(results.get(i).join().output("i").ints()).containsExactly(i);
      }
      assertThat(server.accepted.get()).isLessThanOrEqualTo(3);
    }
  }

  @Test
  void anErrorStatusCarriesTheServersText() {
    try (var server =
            new PlainHttpServer(_ -> PlainHttpServer.Response.of(503, "{\"error\":\"too much\"}"));
        var client = new HttpInferenceClient(HttpOptions.of(server.endpoint()), loops)) {
      assertThat(failureOf(client.infer(InferCall.of("m"))))
          .isEqualTo(new CallFailure(CallFailure.Kind.SERVER, "503", "too much"))
          .matches(CallFailure::isOverload);
      assertThat(client.isReady()).isFalse();
    }
  }

  @Test
  void aClosedConnectionFailsItsCallAndTheNextOneIsAnswered() {
    AtomicInteger calls = new AtomicInteger();
    try (var server =
            new PlainHttpServer(
                request ->
                    calls.getAndIncrement() == 0
                        ? PlainHttpServer.Response.of(0, "")
                        : echoBinary(request));
        var client =
            new HttpInferenceClient(
                HttpOptions.of(server.endpoint()).withMaxConnections(1), loops)) {
      var first = client.infer(InferCall.of("m", InferInput.ints("i", Shape.of(1), 1)));
      var second = client.infer(InferCall.of("m", InferInput.ints("i", Shape.of(1), 2)));
      assertThat(failureOf(first).kind()).isEqualTo(CallFailure.Kind.LOST);
      assertThat(second.join().output("i").ints()).containsExactly(2);
    }
  }

  @Test
  void aCallWithoutReplyInTimeFailsAndItsConnectionIsNotReused() {
    CountDownLatch release = new CountDownLatch(1);
    try (var server =
            new PlainHttpServer(
                request -> {
                  awaitQuietly(request.path().contains("slow") ? release : new CountDownLatch(0));
                  return echoBinary(request);
                });
        var client =
            new HttpInferenceClient(
                HttpOptions.of(server.endpoint()).withMaxConnections(1), loops)) {
      var slow =
          client.infer(
              InferCall.of("slow", InferInput.ints("i", Shape.of(1), 1))
                  .withTimeout(Duration.ofMillis(50)));
      assertThat(failureOf(slow).kind()).isEqualTo(CallFailure.Kind.DEADLINE);
      assertThat(
              client
                  .infer(InferCall.of("m", InferInput.ints("i", Shape.of(1), 2)))
                  .join()
                  .output("i")
                  .ints())
          .containsExactly(2);
      release.countDown();
      assertThat(server.accepted.get()).isEqualTo(2);
    }
  }

  @Test
  void aCancelledCallIsTakenOffTheWire() throws Exception {
    CountDownLatch arrived = new CountDownLatch(1);
    CountDownLatch release = new CountDownLatch(1);
    try (var server =
            new PlainHttpServer(
                _ -> {
                  arrived.countDown();
                  awaitQuietly(release);
                  return PlainHttpServer.Response.of(0, "");
                });
        var client = new HttpInferenceClient(HttpOptions.of(server.endpoint()), loops)) {
      var call = client.infer(InferCall.of("m", InferInput.ints("i", Shape.of(1), 1)));
      assertThat(arrived.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(call.cancel(true)).isTrue();
      while (client.connections() > 0) {
        Thread.onSpinWait();
      }
      release.countDown();
    }
  }

  @Test
  void aServerThatIsNotThereIsAFailureToConnect() throws IOException {
    // Bound and not listening: connections are refused, and nobody else gets the port meanwhile.
    try (var reserved = new Socket()) {
      reserved.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      refusesToConnect(new Endpoint("127.0.0.1", reserved.getLocalPort()));
    }
  }

  private void refusesToConnect(Endpoint nowhere) {
    try (var client = new HttpInferenceClient(HttpOptions.of(nowhere), loops)) {
      assertThat(failureOf(client.infer(InferCall.of("m"))).kind())
          .isEqualTo(CallFailure.Kind.CONNECT);
      assertThat(client.isLive()).isFalse();
    }
  }

  @Test
  void waitingCallsAreBounded() {
    CountDownLatch release = new CountDownLatch(1);
    try (var server =
            new PlainHttpServer(
                request -> {
                  awaitQuietly(release);
                  return echoBinary(request);
                });
        var client =
            new HttpInferenceClient(
                HttpOptions.of(server.endpoint()).withMaxConnections(1).withMaxWaiting(1),
                EventLoopsOfOne.LOOPS)) {
      List<CompletableFuture<InferResult>> results = new ArrayList<>();
      for (int i = 0; i < 3; i++) {
        results.add(client.infer(InferCall.of("m", InferInput.ints("i", Shape.of(1), i))));
      }
      assertThat(
              failureOf(CompletableFuture.anyOf(results.toArray(CompletableFuture[]::new))).kind())
          .isEqualTo(CallFailure.Kind.LIMIT);
      release.countDown();
      assertThat(results.stream().filter(r -> !failed(r)).count()).isGreaterThanOrEqualTo(1);
    }
  }

  @Test
  void metadataAndStatisticsAreRead() {
    try (var server = new PlainHttpServer(HttpInferenceClientTest::control);
        var client = new HttpInferenceClient(HttpOptions.of(server.endpoint()), loops)) {
      assertThat(client.isLive()).isTrue();
      assertThat(client.model("m").inputs())
          .containsExactly(new ModelInfo.TensorInfo("x", DataType.FP32, Shape.of(-1, 4)));
      ModelStatistics statistics = client.statistics("m").getFirst();
      assertThat(statistics.meanBatch()).isEqualTo(2.5);
      assertThat(statistics.batches()).isEqualTo(Map.of(1L, 1L, 4L, 1L));
      assertThat(statistics.minus(statistics).batches()).isEmpty();
      assertThat(statistics.queue().meanMicros()).isEqualTo(2);
    }
  }

  private static PlainHttpServer.Response control(PlainHttpServer.Request request) {
    return switch (request.path()) {
      case "/v2/health/live" -> PlainHttpServer.Response.of(200, "");
      case "/v2/models/m" ->
          PlainHttpServer.Response.of(
              200,
              """
              {"name":"m","versions":["1"],"platform":"p","outputs":[],
               "inputs":[{"name":"x","datatype":"FP32","shape":[-1,4]}]}""");
      case "/v2/models/m/stats" ->
          PlainHttpServer.Response.of(
              200,
              """
              {"model_stats":[{"name":"m","version":"1","inference_count":5,"execution_count":2,
               "inference_stats":{"queue":{"count":5,"ns":10000}},
               "batch_stats":[{"batch_size":1,"compute_infer":{"count":1,"ns":1}},
                              {"batch_size":4,"compute_infer":{"count":1,"ns":1}}]}]}""");
      default -> PlainHttpServer.Response.of(404, "{\"error\":\"no\"}");
    };
  }

  @Test
  void endpointsAreReadFromUrlsAndRefusedWithTheReason() {
    assertThat(Endpoint.parse("http://h:81/x", 8000)).isEqualTo(new Endpoint("h", 81));
    assertThat(Endpoint.parse("h", 8001)).isEqualTo(new Endpoint("h", 8001));
    assertThat(Endpoint.parse("[::1]:5", 1)).hasToString("[::1]:5");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Endpoint.parse("https://h", 1))
        .withMessageContaining("expected: http://");
    assertThatThrownBy(() -> InferInput.floats("x", FOUR, 1))
        .hasMessage("x: 4 bytes (expected: 16 for FP32[1,4])");
  }

  /** One loop, so that one pool is met by all calls. */
  private static final class EventLoopsOfOne {
    static final EventLoops LOOPS = EventLoops.of(1);
  }

  private static boolean failed(CompletableFuture<?> future) {
    return future.handle((_, failure) -> failure != null).join();
  }

  static CallFailure failureOf(CompletableFuture<?> future) {
    Throwable thrown = future.handle((_, failure) -> failure).join();
    return ((InferenceException) (thrown.getCause() == null ? thrown : thrown.getCause()))
        .failure();
  }

  static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
