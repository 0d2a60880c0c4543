package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.nereid.http.ListenerTls.Offer;
import dev.nereid.http.TestCertificates.Issued;
import dev.nereid.telemetry.Metrics;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Limits of callers, pages of other origins, and certificates of clients. */
@Timeout(60)
final class GuardedListenerTest {
  private static final TestCertificates AUTHORITY = new TestCertificates("authority");
  private static final String CONSOLE = "https://console.example";

  @TempDir Path folder;

  private static String busy() {
    return GuardedListener.bearer(GuardedListener.busy());
  }

  @Test
  void aCallerHasNoMoreAtATimeThanItMay() throws Exception {
    try (var guarded = new GuardedListener(folder, List.of(), null);
        var first = guarded.running.connect();
        var second = guarded.running.connect()) {
      first.post("/hold", new byte[100], busy());
      HttpExchange held = guarded.held.take();
      Wire.Received refused = second.post("/hold", new byte[100], busy()).receive();
      assertThat(refused.status()).isEqualTo(429);
      assertThat(refused.header("retry-after")).isEqualTo("1");
      RunningListener.echo(held);
      assertThat(first.receive().status()).isEqualTo(200);
      try (var third = guarded.running.connect()) {
        assertThat(third.post("/detect", new byte[100], busy()).receive().status()).isEqualTo(200);
      }
    }
  }

  @Test
  void aClientThatLeavesLeavesItsPlace() throws Exception {
    try (var guarded = new GuardedListener(folder, List.of(), null);
        var wire = guarded.running.connect()) {
      try (var leaving = guarded.running.connect()) {
        leaving.post("/hold", new byte[100], busy());
        HttpExchange held = guarded.held.take();
        leaving.reset();
        RunningListener.await(held::isCancelled);
        RunningListener.echo(held);
      }
      try (var leaving = guarded.running.connect()) { // in the middle of its body
        leaving.send(
            "POST /hold HTTP/1.1\r\nhost: a\r\n" + busy() + "\r\ncontent-length: 9\r\n\r\nab");
        RunningListener.await(() -> guarded.running.memory.openLeases() == 1);
        leaving.reset();
        RunningListener.await(() -> guarded.running.memory.openLeases() == 0);
      }
      assertThat(wire.post("/detect", new byte[1], busy()).receive().status()).isEqualTo(200);
    }
  }

  @Test
  void browsersAreToldWhichPagesMayCall() throws Exception {
    String origin = "origin: " + CONSOLE;
    String camera = GuardedListener.bearer(GuardedListener.camera());
    String asks = "access-control-request-method: POST";
    try (var guarded = new GuardedListener(folder, List.of(CONSOLE), null);
        var wire = guarded.running.connect()) {
      wire.send("OPTIONS /detect HTTP/1.1\r\nhost: a\r\n" + origin + "\r\n" + asks + "\r\n\r\n");
      Wire.Received before = wire.receive();
      assertThat(before.status()).isEqualTo(204);
      assertThat(before.header("access-control-allow-origin")).isEqualTo(CONSOLE);
      assertThat(before.header("access-control-allow-headers")).contains("authorization");
      assertThat(before.header("vary")).isEqualTo("origin");
      Wire.Received answer = wire.post("/detect", new byte[1], origin, camera).receive();
      assertThat(answer.status()).isEqualTo(200);
      assertThat(answer.header("access-control-allow-origin")).isEqualTo(CONSOLE);
      assertThat(answer.header("access-control-expose-headers")).contains("retry-after");
      assertThat(wire.post("/detect", new byte[0], origin).receive().headers())
          .containsEntry("access-control-allow-origin", CONSOLE);
      Wire.Received other =
          wire.post("/detect", new byte[1], "origin: https://evil.example", camera).receive();
      assertThat(other.headers()).doesNotContainKey("access-control-allow-origin");
      wire.send("OPTIONS /detect HTTP/1.1\r\nhost: a\r\norigin: null\r\n" + asks + "\r\n\r\n");
      assertThat(wire.receive().status()).isEqualTo(403);
    }
  }

  @Test
  void originsAreChecked() {
    for (String wrong : List.of("console.example", "https://a/b", "https://", "null", "https:/a")) {
      assertThatIllegalArgumentException()
          .as(wrong)
          .isThrownBy(() -> Cors.of(List.of(wrong)))
          .withMessageEndingWith("(expected: https://HOST[:PORT], or *)");
    }
    assertThat(Cors.of(List.of("*")).allows("https://anything.example")).isTrue();
  }

  @ParameterizedTest
  @EnumSource(HttpClient.Version.class)
  void aCertificateTellsWhoCalls(HttpClient.Version version) throws Exception {
    AUTHORITY.issue("server").writeTo(folder.resolve("crt"), folder.resolve("key"));
    Path roots = AUTHORITY.writeRoot(folder.resolve("roots"));
    TlsFiles files = TlsFiles.mutual(folder.resolve("crt"), folder.resolve("key"), roots);
    Issued robot = AUTHORITY.issue("robot");
    Issued other = AUTHORITY.issue("other");
    try (ListenerTls tls = new ListenerTls("test", files, Offer.HTTP, new Metrics());
        var guarded = new GuardedListener(folder, List.of(CONSOLE), tls);
        HttpClient known = client(version, robot);
        HttpClient unknown = client(version, other)) {
      HttpResponse<String> answer = detect(known, guarded);
      assertThat(answer.body()).isEqualTo("hello robot");
      assertThat(answer.version()).isEqualTo(version);
      assertThat(answer.headers().firstValue("strict-transport-security"))
          .hasValue("max-age=86400");
      assertThat(detect(unknown, guarded).statusCode()).isEqualTo(401);
      String key = "Bearer " + GuardedListener.camera();
      assertThat(detect(known, guarded, "authorization", key).body()).isEqualTo("hello camera");
      assertThat(detect(known, guarded, "authorization", "Bearer guess").statusCode())
          .isEqualTo(401);
      assertThat(detect(known, guarded, "origin", "https://evil.example").statusCode())
          .as("a page of others uses the browser's certificate")
          .isEqualTo(403);
      assertThat(detect(known, guarded, "origin", CONSOLE).statusCode()).isEqualTo(200);
      String own = "https://127.0.0.1:" + guarded.running.listener.port();
      assertThat(detect(known, guarded, "origin", own).statusCode()).isEqualTo(200);
    }
  }

  private static HttpClient client(HttpClient.Version version, Issued shown) {
    return HttpClient.newBuilder().sslContext(AUTHORITY.client(shown)).version(version).build();
  }

  private static HttpResponse<String> detect(
      HttpClient client, GuardedListener guarded, String... headers) throws Exception {
    URI uri = URI.create("https://127.0.0.1:" + guarded.running.listener.port() + "/detect");
    var request = HttpRequest.newBuilder(uri).timeout(Duration.ofSeconds(20));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return client.send(
        request.POST(BodyPublishers.ofByteArray(new byte[10])).build(), BodyHandlers.ofString());
  }
}
