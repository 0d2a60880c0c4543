package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.access.ApiKey;
import dev.nereid.access.TestTokens;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an attacker tries at the head of a request: each is refused, and told without secrets. */
@Timeout(60)
final class AttackerTest {
  private static final String NO_BODY = "\r\ncontent-length: 0\r\n\r\n";
  private static final List<String> LOGGED = new ArrayList<>();
  private static final Logger OURS = Logger.getLogger("dev.nereid");
  private static final Handler ALL_LOGS =
      new Handler() {
        @Override
        public void publish(LogRecord entry) {
          LOGGED.add(entry.getMessage() + " " + entry.getThrown());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
      };

  @TempDir Path folder;

  @BeforeAll
  static void hearEverything() {
    OURS.setLevel(Level.FINE);
    OURS.addHandler(ALL_LOGS);
  }

  @AfterAll
  static void hearNoMore() {
    OURS.removeHandler(ALL_LOGS);
    OURS.setLevel(null);
  }

  private GuardedListener guarded() throws IOException {
    return new GuardedListener(folder, List.of(), null);
  }

  private static Wire.Received send(GuardedListener guarded, String request) throws IOException {
    try (var wire = guarded.running.connect()) {
      return wire.send(request).receive(!request.startsWith("HEAD "));
    }
  }

  private static String get(String path, String... headers) {
    return "GET " + path + " HTTP/1.1\r\nhost: a" + lines(headers) + "\r\n\r\n";
  }

  private static String post(String path, String... headers) {
    return "POST " + path + " HTTP/1.1\r\nhost: a" + lines(headers) + NO_BODY;
  }

  private static String lines(String... headers) {
    return headers.length == 0 ? "" : "\r\n" + String.join("\r\n", headers);
  }

  private static void expect(GuardedListener guarded, int status, String... requests)
      throws IOException {
    for (String request : requests) {
      assertThat(send(guarded, request).status()).as(request).isEqualTo(status);
    }
  }

  @Test
  void whoShowsSomethingGoodComesIn() throws Exception {
    String token = GuardedListener.ISSUER.token("alice", "inference");
    try (var guarded = guarded()) {
      for (String header :
          List.of(
              GuardedListener.bearer(GuardedListener.camera()),
              "AUTHORIZATION: bearer  " + GuardedListener.camera(),
              "X-Api-Key: " + GuardedListener.camera())) {
        assertThat(send(guarded, post("/detect", header)).text()).isEqualTo("hello camera");
      }
      assertThat(send(guarded, post("/detect", GuardedListener.bearer(token))).text())
          .isEqualTo("hello jwt:alice");
      assertThat(send(guarded, get("/healthz")).text()).isEqualTo("hello ");
      assertThat(guarded.log()).contains("\"caller\":\"camera\"", "\"caller\":\"jwt:alice\"");
    }
  }

  @Test
  void guessedAndMisplacedKeysAreRefused() throws Exception {
    String key = GuardedListener.camera();
    String basic =
        Base64.getEncoder().encodeToString(("camera:" + key).getBytes(StandardCharsets.UTF_8));
    try (var guarded = guarded()) {
      expect(
          guarded,
          401,
          post("/detect"),
          post("/detect", GuardedListener.bearer(ApiKey.make().reveal())),
          post("/detect", GuardedListener.bearer(key.substring(0, key.length() - 1))),
          post("/detect", "x-api-key: camera"),
          post("/detect", "authorization: Bearer"),
          post("/detect", "authorization: " + key),
          post("/detect", "authorization: Basic " + basic),
          post("/detect", "authorization: Bearer " + key + ", Bearer " + key),
          post("/detect", "cookie: x-api-key=" + key),
          post("/detect?api_key=" + key),
          post("/detect?authorization=Bearer%20" + key),
          post("/detect", "x-forwarded-user: camera", "x-client-cert: CN=robot"));
      expect(guarded, 403, post("/admin", GuardedListener.bearer(key)));
      expect(guarded, 403, get("/metrics", GuardedListener.bearer(key)));
      assertSilent(guarded, key);
    }
  }

  @Test
  void forgedTokensAreRefused() throws Exception {
    try (var guarded = guarded()) {
      for (Map.Entry<String, String> forged : GuardedListener.ISSUER.forged().entrySet()) {
        String header = GuardedListener.bearer(forged.getValue());
        Wire.Received answer = send(guarded, post("/detect", header));
        assertThat(answer.status()).as(forged.getKey()).isIn(401, 431);
        assertThat(answer.text()).as(forged.getKey()).doesNotContain(forged.getValue());
      }
      String secrets = guarded.log() + LOGGED;
      for (String forged : GuardedListener.ISSUER.forged().values()) {
        assertThat(TestTokens.secretsOf(forged)).noneMatch(secrets::contains);
      }
    }
  }

  @Test
  void headersThatOthersMayReadOtherwiseAreRefused() throws Exception {
    String key = GuardedListener.camera();
    String good = GuardedListener.bearer(key);
    try (var guarded = guarded()) {
      expect(
          guarded,
          400,
          post("/detect", good, good),
          post("/detect", "authorization: Bearer guess", good),
          post("/detect", good, "x-api-key: " + key),
          post("/detect", "x-api-key: guess", "x-api-key: " + key),
          post("/detect", "authorization : Bearer " + key),
          post("/detect", "authorization\t: Bearer " + key),
          post("/detect", "x-nothing: \0", good));
      expect(
          guarded,
          401,
          post("/detect", "x_api_key: " + key),
          post("/detect", "x-api_key: " + key),
          post("/detect", "x.api.key: " + key),
          post("/detect", "proxy-authorization: Bearer " + key));
      assertSilent(guarded, key);
    }
  }

  @Test
  void spellingsOfAPathOpenNothing() throws Exception {
    String camera = GuardedListener.bearer(GuardedListener.camera());
    List<String> spellings =
        List.of(
            "//metrics",
            "/./metrics",
            "/x/../metrics",
            "/healthz/../metrics",
            "/healthz%2f..%2fmetrics",
            "/healthz/..;/metrics",
            "/metrics/",
            "/metrics//",
            "/metrics/.",
            "/metrics.",
            "/metrics%2f",
            "/metrics%00",
            "/metrics;x=1",
            "/METRICS",
            "/Metrics",
            "/%6detrics",
            "/%2e/metrics",
            "/..%2fmetrics",
            "/predict/%zz/x",
            "http://a/metrics",
            "http://evil.example/metrics");
    try (var guarded = guarded()) {
      for (String path : spellings) {
        assertThat(send(guarded, get(path)).status()).as(path).isEqualTo(401);
        assertThat(send(guarded, get(path, camera)).status()).as(path).isIn(400, 403, 404);
        String rewritten = get("/nothing", "x-original-url: /metrics", "x-rewrite-url: " + path);
        assertThat(send(guarded, rewritten).status()).as(path).isEqualTo(401);
      }
      assertThat(send(guarded, get("/predict/%2e%2e", camera)).text()).isEqualTo("hello camera");
      for (String method : List.of("HEAD", "OPTIONS", "TRACE", "PROPFIND", "get")) {
        String request = method + " /metrics HTTP/1.1\r\nhost: a\r\n\r\n";
        assertThat(send(guarded, request).status()).as(method).isEqualTo(401);
      }
      expect(guarded, 400, get("metrics"), get("\\metrics"));
    }
  }

  @Test
  void bodiesOfStrangersAreNotRead() throws Exception {
    String head = "POST /detect HTTP/1.1\r\nhost: a\r\n";
    try (var guarded = guarded()) {
      for (String body :
          List.of(
              "content-length: 200000\r\n\r\n",
              "content-length: 200000\r\n\r\nabc",
              "transfer-encoding: chunked\r\n\r\n",
              "transfer-encoding: chunked\r\n\r\n5\r\nab",
              "content-length: 9\r\nexpect: 100-continue\r\n\r\n",
              "content-length: 0\r\nexpect: 100-continue\r\n\r\n",
              "content-length: 3\r\n\r\nabcGET /healthz HTTP/1.1\r\nhost: a\r\n\r\n")) {
        try (var wire = guarded.running.connect()) {
          var answer = wire.send(head + body).receive();
          assertThat(answer.status()).as(body).isEqualTo(401);
          assertThat(guarded.running.memory.openLeases()).as(body).isZero();
          if (!body.startsWith("content-length: 0")) {
            assertThat(answer.header("connection")).as(body).isEqualTo("close");
            assertThat(wire.isEnded()).as(body).isTrue();
          }
        }
      }
      expect(guarded, 413, head + "content-length: 200001\r\n\r\n");
    }
  }

  @Test
  void whatIsRefusedIsToldAndCounted() throws Exception {
    try (var guarded = guarded()) {
      Wire.Received missing = send(guarded, post("/detect"));
      assertThat(missing.header("www-authenticate")).isEqualTo("Bearer realm=\"nereid\"");
      assertThat(missing.header("cache-control")).isEqualTo("no-store");
      assertThat(missing.text()).contains("credentials: none");
      Wire.Received wrong = send(guarded, post("/detect", "x-api-key: nrd_guess"));
      assertThat(wrong.header("www-authenticate")).contains("error=\"invalid_token\"");
      assertThat(wrong.text()).doesNotContain("guess");
      String limited = GuardedListener.bearer(GuardedListener.limited());
      assertThat(send(guarded, post("/detect", limited)).status()).isEqualTo(200);
      Wire.Received refused = send(guarded, post("/detect", limited));
      assertThat(refused.status()).isEqualTo(429);
      assertThat(Integer.parseInt(refused.header("retry-after"))).isBetween(90, 100);
      assertThat(guarded.metrics.scrape())
          .contains(
              "nereid_access_refusals_total{listener=\"test\",reason=\"missing\"} 1",
              "nereid_access_refusals_total{listener=\"test\",reason=\"unknown\"} 1",
              "nereid_access_refusals_total{listener=\"test\",reason=\"rate\"} 1");
      assertThat(guarded.running.counted.refusals)
          .containsEntry(Refusal.UNAUTHENTICATED, 2)
          .containsEntry(Refusal.CALLER_LIMIT, 1);
      assertThat(guarded.log()).contains("\"status\":401", "\"status\":429", "\"limited\"");
    }
  }

  /** Neither the access log nor the server's own, however much it tells, has the secret. */
  private static void assertSilent(GuardedListener guarded, String secret) {
    String access = guarded.log();
    assertThat(access).contains("\"status\":40").doesNotContain(secret).doesNotContain("Bearer");
    assertThat(LOGGED.toString()).doesNotContain(secret);
  }
}
