package dev.nereid.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.core.InferRequest;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.zip.DeflaterOutputStream;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import java.util.zip.InflaterInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The v2 protocol over HTTP, as clients see it on a socket. */
final class HttpConformanceTest {
  private static final String TEXT_LENGTH = "Inference-Header-Content-Length";
  private static final String ECHO =
      "{\"id\":\"7\",\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[1.5,2]}]}";

  @SuppressWarnings("NullAway.Init")
  private static RunningServer server;

  @SuppressWarnings("NullAway.Init")
  private static HttpClient client;

  @BeforeAll
  static void start() {
    server = new RunningServer();
    client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  }

  @AfterAll
  static void stop() {
    client.close();
    server.close();
  }

  @AfterEach
  void everyLeaseIsGivenBack() {
    server.engine.live = true;
    server.engine.ready = true;
    RunningServer.await("leases", () -> server.engine.memory.openLeases() == 0);
  }

  private static HttpRequest.Builder to(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.http.port() + path));
  }

  private static HttpResponse<byte[]> send(HttpRequest.Builder request)
      throws IOException, InterruptedException {
    return client.send(request.build(), BodyHandlers.ofByteArray());
  }

  private static HttpResponse<byte[]> get(String path) throws IOException, InterruptedException {
    return send(to(path));
  }

  private static HttpResponse<byte[]> post(String path, byte[] body, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request = to(path).POST(BodyPublishers.ofByteArray(body));
    return send(headers.length == 0 ? request : request.headers(headers));
  }

  private static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), UTF_8);
  }

  private static byte[] withBlob(String json, byte[] blob) {
    byte[] text = json.getBytes(UTF_8);
    byte[] all = Arrays.copyOf(text, text.length + blob.length);
    System.arraycopy(blob, 0, all, text.length, blob.length);
    return all;
  }

  private static String binaryRequest(int floats, boolean binaryOutput) {
    return "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,%d],\"parameters\":{\"binary_data_size\":%d}}],\"parameters\":{\"binary_data_output\":%b}}"
        .formatted(floats, floats * 4, binaryOutput);
  }

  @Test
  void healthHasNoBody() throws Exception {
    assertThat(get("/v2/health/live").statusCode()).isEqualTo(200);
    assertThat(get("/v2/health/ready").body()).isEmpty();
    server.engine.ready = false;
    assertThat(get("/v2/health/ready").statusCode()).isEqualTo(400);
    assertThat(get("/v2/health/live").statusCode()).isEqualTo(200);
    server.engine.live = false;
    assertThat(get("/v2/health/ready").statusCode()).isEqualTo(503);
    assertThat(text(get("/v2/health/live"))).contains("Server exiting");
    server.engine.live = true;
    assertThat(get("/v2/models/echo/ready").statusCode()).isEqualTo(200);
    assertThat(get("/v2/models/echo/versions/1/ready").body()).isEmpty();
    HttpResponse<byte[]> loading = get("/v2/models/loading/ready");
    assertThat(loading.statusCode()).isEqualTo(400);
    assertThat(text(loading)).contains("Model version not ready");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "GET  | /v2/x                          | 404 | Not Found",
        "GET  | /v2/models/echo/               | 404 | Not Found",
        "GET  | /v2/models/echo/infer          | 405 | Method Not Allowed",
        "POST | /v2/health/live                | 405 | Method Not Allowed",
        "GET  | /v2/models/nope                | 404 | Request for unknown model: 'nope' is not found",
        "GET  | /v2/models/nope/ready          | 404 | Request for unknown model: 'nope' is not found",
        "GET  | /v2/models/echo/versions/9     | 404 | 'echo' version 9 is not found",
        "GET  | /v2/models/echo/versions/0     | 400 | failed to get model version from specified version string",
        "GET  | /v2/models/echo/versions/x     | 400 | failed to get model version from specified version string",
        "GET  | /v2/models/nope/stats          | 400 | requested model 'nope' is not available",
        "POST | /v2/models/nope/infer          | 404 | Request for unknown model: 'nope' is not found",
        "POST | /v2/models/echo/versions/9/infer | 404 | version 9 is not found",
        "POST | /v2/models/broken/infer        | 500 | the back end broke",
        "POST | /v2/models/echo/generate       | 501 | not supported",
        "GET  | /v2/trace/setting              | 501 | not supported",
        "POST | /v2/trace/setting              | 501 | not supported",
        "POST | /v2/repository/other/models/echo/load | 501 | 'repository_name' specification is not supported",
        "GET  | /v2/systemsharedmemory/status  | 501 | not supported"
      })
  void errorsAreJsonWithTritonsWords(String method, String path, int status, String fragment)
      throws Exception {
    HttpResponse<byte[]> response =
        send(
            to(path)
                .method(
                    method,
                    method.equals("GET")
                        ? BodyPublishers.noBody()
                        : BodyPublishers.ofString(ECHO)));
    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(text(response)).startsWith("{\"error\":\"").contains(fragment).endsWith("\"}");
    assertThat(response.headers().firstValue("content-type")).hasValue("application/json");
  }

  @Test
  void metadataConfigStatisticsAndIndexAreTold() throws Exception {
    assertThat(text(get("/v2")))
        .startsWith("{\"name\":\"triton\",\"version\":\"0.1.0\",\"extensions\":[\"classification\"")
        .contains("binary_tensor_data")
        .doesNotContain("shared_memory");
    assertThat(text(get("/v2/models/echo")))
        .isEqualTo(
            "{\"name\":\"echo\",\"versions\":[\"1\",\"3\"],\"platform\":\"identity\","
                + "\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[-1,-1]}],"
                + "\"outputs\":[{\"name\":\"x_OUT\",\"datatype\":\"FP32\",\"shape\":[-1,-1]}]}");
    assertThat(text(get("/v2/models/echo/versions/1"))).contains("\"versions\":[\"1\"]");
    assertThat(text(get("/v2/models/echo/config"))).contains("\"max_batch_size\":8");
    for (String path :
        new String[] {
          "/v2/models/stats", "/v2/models/echo/stats", "/v2/models/echo/versions/3/stats"
        }) {
      assertThat(text(get(path)))
          .startsWith(
              "{\"model_stats\":[{\"name\":\"echo\",\"version\":\"3\",\"last_inference\":7,"
                  + "\"inference_count\":4,\"execution_count\":2,"
                  + "\"inference_stats\":{\"success\":{\"count\":2,\"ns\":5}")
          .contains("\"batch_stats\":[{\"batch_size\":2,\"compute_input\":{\"count\":2,\"ns\":5}");
    }
    assertThat(text(post("/v2/repository/index", new byte[0])))
        .isEqualTo(
            "[{\"name\":\"echo\",\"version\":\"3\",\"state\":\"READY\"},"
                + "{\"name\":\"loading\",\"version\":\"1\",\"state\":\"LOADING\"},{\"name\":\"never\"}]");
    assertThat(text(post("/v2/repository/index", "{\"ready\":true}".getBytes(UTF_8))))
        .isEqualTo("[{\"name\":\"echo\",\"version\":\"3\",\"state\":\"READY\"}]");
    assertThat(text(post("/v2/repository/index", "{\"ready\":1}".getBytes(UTF_8))))
        .contains("Invalid value for 'ready': expected a boolean");
  }

  @Test
  void jsonInferenceAnswersInJson() throws Exception {
    HttpResponse<byte[]> response = post("/v2/models/echo/infer", ECHO.getBytes(UTF_8));
    assertThat(text(response))
        .isEqualTo(
            "{\"id\":\"7\",\"model_name\":\"echo\",\"model_version\":\"3\",\"outputs\":[{\"name\":"
                + "\"x_OUT\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[1.5,2.0]}]}");
    assertThat(response.headers().firstValue(TEXT_LENGTH)).isEmpty();
    assertThat(text(post("/v2/models/echo/versions/1/infer", ECHO.getBytes(UTF_8))))
        .contains("\"model_version\":\"1\"");
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 1000, 150_528})
  void blobsComeBackByteForByte(int floats) throws Exception {
    String json = binaryRequest(floats, true);
    byte[] blob = new byte[floats * 4];
    for (int i = 0; i < blob.length; i++) {
      blob[i] = (byte) (i * 31);
    }
    HttpResponse<byte[]> response =
        post("/v2/models/echo/infer", withBlob(json, blob), TEXT_LENGTH, "" + json.length());
    int text = Integer.parseInt(response.headers().firstValue(TEXT_LENGTH).orElseThrow());
    assertThat(response.headers().firstValue("content-type")).hasValue("application/octet-stream");
    assertThat(new String(response.body(), 0, text, UTF_8))
        .endsWith("\"parameters\":{\"binary_data_size\":" + blob.length + "}}]}");
    assertThat(Arrays.copyOfRange(response.body(), text, response.body().length)).isEqualTo(blob);
  }

  @Test
  void bigJsonGoesThroughTheCodecThreadsAndBack() throws Exception {
    int count = 50_000;
    StringBuilder json =
        new StringBuilder("{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[");
    json.append(count).append("],\"data\":[0.5");
    json.append(",0.25".repeat(count - 1)).append("]}]}");
    String answer = text(post("/v2/models/echo/infer", json.toString().getBytes(UTF_8)));
    assertThat(answer.substring(answer.indexOf("\"data\":[") + 8).split(",")).hasSize(count);
  }

  @Test
  void aRawBodyIsTheOnlyInput() throws Exception {
    byte[] body = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN).putFloat(5).array();
    HttpResponse<byte[]> response = post("/v2/models/echo/infer", body, TEXT_LENGTH, "0");
    assertThat(text(response)).contains("\"shape\":[1,3]");
    assertThat(
            Arrays.copyOfRange(
                response.body(), response.body().length - 12, response.body().length))
        .isEqualTo(body);
    assertThat(text(post("/v2/models/echo/infer", new byte[3], TEXT_LENGTH, "0")))
        .contains("can not be deduced");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "x  | Unable to parse Inference-Header-Content-Length, got: x",
        "-3 | inference header size should be in range (0, 2), got: -3",
        "99 | inference header size should be in range (0, 2), got: 99",
        "2  | Unable to parse 'inputs'"
      })
  void wrongTextLengthsAreRefused(String header, String fragment) throws Exception {
    HttpResponse<byte[]> response =
        post("/v2/models/echo/infer", "{}".getBytes(UTF_8), TEXT_LENGTH, header);
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(text(response)).contains(fragment);
  }

  @Test
  void packedBodiesAreUnpackedAndAnswersPackedAsAsked() throws Exception {
    ByteArrayOutputStream gzip = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(gzip)) {
      out.write(ECHO.getBytes(UTF_8));
    }
    HttpResponse<byte[]> response =
        post(
            "/v2/models/echo/infer",
            gzip.toByteArray(),
            "Content-Encoding",
            "gzip",
            "Accept-Encoding",
            "deflate;q=0.5, gzip;q=0.9");
    assertThat(response.headers().firstValue("content-encoding")).hasValue("gzip");
    String plain =
        new String(
            new GZIPInputStream(new ByteArrayInputStream(response.body())).readAllBytes(), UTF_8);
    assertThat(plain).contains("\"data\":[1.5,2.0]");
    ByteArrayOutputStream deflate = new ByteArrayOutputStream();
    String json = binaryRequest(1, true);
    try (OutputStream out = new DeflaterOutputStream(deflate)) {
      out.write(withBlob(json, new byte[] {1, 2, 3, 4}));
    }
    response =
        post(
            "/v2/models/echo/infer",
            deflate.toByteArray(),
            "Content-Encoding",
            "deflate",
            "Accept-Encoding",
            "deflate",
            TEXT_LENGTH,
            "" + json.length());
    byte[] unpacked =
        new InflaterInputStream(new ByteArrayInputStream(response.body())).readAllBytes();
    int text = Integer.parseInt(response.headers().firstValue(TEXT_LENGTH).orElseThrow());
    assertThat(Arrays.copyOfRange(unpacked, text, unpacked.length)).containsExactly(1, 2, 3, 4);
  }

  @Test
  void unknownCodingsBombsAndDamageAreRefused() throws Exception {
    HttpResponse<byte[]> unknown =
        post("/v2/models/echo/infer", ECHO.getBytes(UTF_8), "Content-Encoding", "br");
    assertThat(unknown.statusCode()).isEqualTo(501);
    assertThat(text(unknown)).contains("Unsupported compression type");
    assertThat(unknown.headers().firstValue("accept-encoding")).hasValue("gzip, deflate");
    ByteArrayOutputStream bomb = new ByteArrayOutputStream();
    try (OutputStream out = new GZIPOutputStream(bomb)) {
      for (int i = 0; i < 64; i++) {
        out.write(new byte[1 << 20]);
      }
    }
    HttpResponse<byte[]> refused =
        post("/v2/models/echo/infer", bomb.toByteArray(), "Content-Encoding", "gzip");
    assertThat(refused.statusCode()).isEqualTo(400);
    HttpResponse<byte[]> damaged =
        post("/v2/models/echo/infer", ECHO.getBytes(UTF_8), "Content-Encoding", "gzip");
    assertThat(damaged.statusCode()).isEqualTo(400);
  }

  @Test
  void outputsAreWhatTheRequestLists() throws Exception {
    String json =
        "{\"inputs\":[{\"name\":\"a\",\"datatype\":\"FP32\",\"shape\":[1,3],\"data\":[0.1,0.7,0.2]},"
            + "{\"name\":\"b\",\"datatype\":\"UINT8\",\"shape\":[1],\"data\":[1]},"
            + "{\"name\":\"c\",\"datatype\":\"UINT8\",\"shape\":[1],\"data\":[9]}],"
            + "\"outputs\":[{\"name\":\"a_OUT\",\"parameters\":{\"classification\":2}},"
            + "{\"name\":\"b_OUT\",\"parameters\":{\"binary_data\":true}}],"
            + "\"parameters\":{\"note\":\"n\"}}";
    HttpResponse<byte[]> response = post("/v2/models/echo/infer", json.getBytes(UTF_8));
    assertThat(text(response))
        .contains("\"parameters\":{\"note\":\"n\"}")
        .contains(
            "{\"name\":\"a_OUT\",\"datatype\":\"BYTES\",\"shape\":[1,2],\"data\":[\"0.700000:1:dog\",\"0.200000:2\"]}")
        .contains("{\"name\":\"b_OUT\",\"datatype\":\"UINT8\",\"shape\":[1],\"parameters\"")
        .doesNotContain("c_OUT")
        .endsWith("]}\u0001");
  }

  @Test
  void aClientThatLeavesCancelsItsRequest() throws Exception {
    server.engine.hold();
    server.engine.received.clear();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.http.port())) {
      socket
          .getOutputStream()
          .write(
              "POST /v2/models/echo/infer HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s"
                  .formatted(ECHO.length(), ECHO)
                  .getBytes(UTF_8));
      RunningServer.await("request", () -> !server.engine.received.isEmpty());
    }
    InferRequest request = server.engine.received.element();
    RunningServer.await("cancellation", request::isCancelled);
    int executed = server.engine.executed.get();
    server.engine.release();
    RunningServer.await("end", request::isDone);
    assertThat(server.engine.executed).hasValue(executed);
  }

  @Test
  void aClientThatLeavesAmidItsBodyCostsNothing() throws Exception {
    int executed = server.engine.executed.get();
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.http.port())) {
      socket
          .getOutputStream()
          .write(
              "POST /v2/models/echo/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\n{\"inp"
                  .getBytes(UTF_8));
      RunningServer.await("body", () -> server.engine.memory.openLeases() > 0);
    }
    RunningServer.await("leases", () -> server.engine.memory.openLeases() == 0);
    assertThat(server.engine.executed).hasValue(executed);
  }

  @Test
  void manyRequestsAtOnceAreAllAnsweredRight() {
    CompletableFuture<?>[] all = new CompletableFuture<?>[300];
    for (int i = 0; i < all.length; i++) {
      String id = "r" + i;
      String json = ECHO.replace("\"7\"", "\"" + id + "\"").replace("1.5", i + ".5");
      String number = i + ".5,2.0]";
      all[i] =
          client
              .sendAsync(
                  to("/v2/models/echo/infer").POST(BodyPublishers.ofString(json)).build(),
                  BodyHandlers.ofString())
              .thenAccept(r -> assertThat(r.body()).contains("\"id\":\"" + id + "\"", number));
    }
    CompletableFuture.allOf(all).join();
  }

  @Test
  void metricsAreScraped() throws Exception {
    URI uri = URI.create("http://127.0.0.1:" + server.scrape.port() + "/metrics");
    HttpResponse<String> response =
        client.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.ofString());
    assertThat(response.headers().firstValue("content-type")).hasValue("text/plain; charset=utf-8");
    assertThat(response.body()).contains("# TYPE nereid_grpc_streams gauge");
    HttpResponse<String> other =
        client.send(HttpRequest.newBuilder(uri.resolve("/other")).build(), BodyHandlers.ofString());
    assertThat(other.statusCode()).isEqualTo(404);
  }
}
