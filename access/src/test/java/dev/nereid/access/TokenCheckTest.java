package dev.nereid.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import dev.nereid.access.Decision.Admitted;
import dev.nereid.access.Decision.Refused;
import dev.nereid.core.Damage;
import dev.nereid.core.Ticker;
import dev.nereid.telemetry.Metrics;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

/** What tokens count, and what an attacker may try with them. */
@Timeout(30)
final class TokenCheckTest {
  private static final TestTokens ISSUER = new TestTokens();

  @TempDir Path folder;
  private final Metrics metrics = new Metrics();
  private final AtomicReference<Instant> now = new AtomicReference<>(Instant.now());

  private AccessControl control(TokenOptions tokens) {
    return control(tokens, CallerLimits.NONE);
  }

  private AccessControl control(TokenOptions tokens, CallerLimits limits) {
    return new AccessControl(
        new AccessOptions(null, tokens, limits), metrics, Ticker.system(), now::get);
  }

  private TokenOptions inFile() {
    Path file = ISSUER.writeKeys(folder.resolve("jwks.json"));
    return TokenOptions.of(file.toString(), TestTokens.ISSUER, TestTokens.AUDIENCE);
  }

  private static Decision decide(AccessControl control, String token, Need need) {
    return control.decide(Credentials.of(List.of("Bearer " + token), List.of(), null), need);
  }

  private static String admitted(Decision decision) {
    assertThat(decision).isInstanceOf(Admitted.class);
    return ((Admitted) decision).caller().name();
  }

  private static Denial denied(Decision decision) {
    assertThat(decision).isInstanceOf(Refused.class);
    return ((Refused) decision).denial();
  }

  @Test
  void aTokenLetsItsOwnerDoWhatItsRolesAllow() {
    try (var control = control(inFile())) {
      String token = ISSUER.token("alice", "inference", "king");
      for (int i = 0; i < 3; i++) {
        assertThat(admitted(decide(control, token, Need.INFERENCE))).isEqualTo("jwt:alice");
      }
      assertThat(denied(decide(control, token, Need.ADMINISTRATION))).isEqualTo(Denial.ROLE);
      String other = ISSUER.curveToken("bob\n\"x", "nereid:metrics");
      assertThat(admitted(decide(control, other, Need.METRICS))).isEqualTo("jwt:bob__x");
    }
  }

  @Test
  void noneOfAnAttackersTokensCounts() {
    try (var control = control(inFile())) {
      for (Map.Entry<String, String> forged : ISSUER.forged().entrySet()) {
        for (int i = 0; i < 2; i++) {
          Decision decision = decide(control, forged.getValue(), Need.IDENTITY);
          assertThat(decision).as(forged.getKey()).isInstanceOf(Refused.class);
          Refused refused = (Refused) decision;
          assertThat(refused.denial().kind())
              .as(forged.getKey())
              .isEqualTo(Denial.Kind.UNAUTHENTICATED);
          assertThat(TestTokens.secretsOf(forged.getValue()))
              .noneMatch(secret -> refused.detail().contains(secret));
        }
      }
    }
  }

  /** A signature's last letter has bits that mean nothing, so that not every change is one. */
  @Test
  void damagedTokensNeverCountForAnybodyElse() {
    try (var control = control(inFile())) {
      byte[] token = ISSUER.token("alice", "inference").getBytes(StandardCharsets.US_ASCII);
      Random random = new Random(3);
      int admitted = 0;
      for (int round = 0; round < 400; round++) {
        String damaged =
            new String(Damage.of(token, random, ".", "=", "-", "eyJ"), StandardCharsets.US_ASCII);
        Decision decision = decide(control, damaged, Need.IDENTITY);
        if (decision instanceof Admitted(Caller caller)) {
          assertThat(caller.name()).as(damaged).isEqualTo("jwt:alice");
          admitted++;
        }
      }
      assertThat(admitted).isLessThan(20);
    }
  }

  @Test
  void whatIsWrongWithASignedTokenIsTold() {
    Map<String, String> forged = ISSUER.forged();
    try (var control = control(inFile())) {
      assertThat(denied(decide(control, String.valueOf(forged.get("expired")), Need.IDENTITY)))
          .isEqualTo(Denial.EXPIRED);
      assertThat(
              denied(
                  decide(control, String.valueOf(forged.get("another audience")), Need.IDENTITY)))
          .isEqualTo(Denial.WRONG_CLAIMS);
      assertThat(
              denied(decide(control, String.valueOf(forged.get("another issuer")), Need.IDENTITY)))
          .isEqualTo(Denial.WRONG_CLAIMS);
      assertThat(denied(decide(control, String.valueOf(forged.get("no signature")), Need.IDENTITY)))
          .isEqualTo(Denial.BAD_TOKEN);
    }
  }

  @Test
  void aKnownTokenEndsWhenItsTimeIsOver() {
    try (var control = control(inFile())) {
      String token = ISSUER.token("alice", "inference");
      assertThat(admitted(decide(control, token, Need.INFERENCE))).isEqualTo("jwt:alice");
      now.set(Instant.now().plus(Duration.ofMinutes(62)));
      assertThat(denied(decide(control, token, Need.INFERENCE))).isEqualTo(Denial.EXPIRED);
    }
  }

  @Test
  void limitsHoldForASubjectHoweverManyTokensItHas() {
    try (var control = control(inFile(), new CallerLimits(0, 1, 1))) {
      String first = ISSUER.token("alice", "inference");
      String second = ISSUER.curveToken("alice", "inference");
      assertThat(admitted(decide(control, first, Need.INFERENCE))).isEqualTo("jwt:alice");
      assertThat(denied(decide(control, second, Need.INFERENCE))).isEqualTo(Denial.CONCURRENCY);
      assertThat(admitted(decide(control, ISSUER.token("bob", "inference"), Need.INFERENCE)))
          .isEqualTo("jwt:bob");
    }
  }

  @Test
  void theFileGivesRolesToSubjectsWhoseTokensHaveNone() throws Exception {
    Path callers = folder.resolve("callers.yaml");
    Files.writeString(callers, "boss: {tokens: [alice], roles: [administration]}");
    var options = new AccessOptions(callers, inFile(), CallerLimits.NONE);
    try (var control = new AccessControl(options, metrics, Ticker.system())) {
      String token = ISSUER.token("alice");
      assertThat(admitted(decide(control, token, Need.ADMINISTRATION))).isEqualTo("boss");
      Files.writeString(callers, "boss: {tokens: [alice], roles: [metrics]}");
      AccessControlTest.await(
          () -> decide(control, token, Need.ADMINISTRATION) instanceof Refused(var _, _, _, _));
      assertThat(admitted(decide(control, token, Need.METRICS))).isEqualTo("boss");
    }
  }

  @Test
  void rolesMayStandInsideAnotherClaimOrBeWords() {
    TokenOptions usual = inFile();
    for (String claim : List.of("realm_access.roles", "scope", "https://x.example/roles")) {
      var options =
          new TokenOptions(
              usual.keys(),
              usual.issuer(),
              usual.audiences(),
              Set.of("RS256"),
              claim,
              "email",
              usual.leeway(),
              usual.refresh());
      String token =
          ISSUER.token(
              claims ->
                  claims
                      .claim("email", "a@b.c")
                      .claim("scope", "openid metrics")
                      .claim("https://x.example/roles", List.of("metrics"))
                      .claim("realm_access", Map.of("roles", List.of("metrics"))));
      try (var control = control(options)) {
        assertThat(admitted(decide(control, token, Need.METRICS))).isEqualTo("jwt:a@b.c");
        assertThat(denied(decide(control, token, Need.INFERENCE))).isEqualTo(Denial.ROLE);
      }
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  void keysAtAnAddressAreFollowedAndThoseTakenAwayCountNoMore() throws Exception {
    TestTokens next = new TestTokens("rsa-2", "curve-2");
    var published = new AtomicReference<>(ISSUER.keys());
    var asked = new AtomicInteger();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/jwks",
        exchange -> {
          asked.incrementAndGet();
          byte[] body = published.get().getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    String address = "http://127.0.0.1:" + server.getAddress().getPort() + "/jwks";
    TokenOptions usual = TokenOptions.of(address, TestTokens.ISSUER, TestTokens.AUDIENCE);
    var options =
        new TokenOptions(
            address,
            usual.issuer(),
            usual.audiences(),
            usual.algorithms(),
            "roles",
            "sub",
            usual.leeway(),
            Duration.ofSeconds(1));
    try (var control = control(options)) {
      String old = ISSUER.token("alice", "inference");
      AccessControlTest.await(
          () -> decide(control, old, Need.INFERENCE) instanceof Admitted(var _));
      published.set("not keys");
      int before = asked.get();
      AccessControlTest.await(() -> asked.get() > before + 1);
      assertThat(admitted(decide(control, old, Need.INFERENCE))).isEqualTo("jwt:alice");
      published.set(next.keys());
      String fresh = next.token("alice", "inference");
      AccessControlTest.await(
          () -> decide(control, fresh, Need.INFERENCE) instanceof Admitted(var _));
      assertThat(denied(decide(control, old, Need.INFERENCE))).isEqualTo(Denial.BAD_TOKEN);
    } finally {
      server.stop(0);
    }
  }

  @Test
  void withoutKeysATokenCanNeitherBeTakenNorRefused() {
    String nowhere = "http://127.0.0.1:1/jwks";
    try (var control = control(TokenOptions.of(nowhere, TestTokens.ISSUER, TestTokens.AUDIENCE))) {
      assertThat(denied(decide(control, ISSUER.token("alice", "inference"), Need.INFERENCE)))
          .isEqualTo(Denial.NO_KEYS);
    }
  }

  @Test
  void sharedSecretsAndShortKeysAreNoKeys() {
    for (String set :
        List.of(
            "{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0MTI\"}]}",
            "{\"keys\":[]}",
            "[]",
            "")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> TokenKeys.parse(set.getBytes(StandardCharsets.UTF_8)));
    }
  }

  @Test
  void optionsThatWouldLetAnybodyInAreRefused() {
    for (Runnable wrong :
        List.<Runnable>of(
            () -> TokenOptions.of("keys.json", "", "us"),
            () -> TokenOptions.of("keys.json", "issuer", ""),
            () -> TokenOptions.of("http://issuer.example/jwks", "issuer", "us"),
            () -> withAlgorithms(Set.of("none")),
            () -> withAlgorithms(Set.of("HS256")),
            () -> withAlgorithms(Set.of()))) {
      assertThatThrownBy(wrong::run).isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static TokenOptions withAlgorithms(Set<String> algorithms) {
    return new TokenOptions(
        "keys.json",
        "issuer",
        List.of("us"),
        algorithms,
        "roles",
        "sub",
        Duration.ZERO,
        Duration.ofMinutes(1));
  }
}
