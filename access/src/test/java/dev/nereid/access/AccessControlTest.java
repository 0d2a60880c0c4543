package dev.nereid.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.access.Decision.Admitted;
import dev.nereid.access.Decision.Refused;
import dev.nereid.core.FakeTicker;
import dev.nereid.core.FaultException;
import dev.nereid.telemetry.Metrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;

@Timeout(30)
final class AccessControlTest {
  private static final Instant NOW = Instant.parse("2027-06-01T00:00:00Z");

  @TempDir Path folder;
  private final FakeTicker ticker = new FakeTicker();
  private final Metrics metrics = new Metrics();

  private Path file() {
    return folder.resolve("callers.yaml");
  }

  private AccessControl control(String callers) throws IOException {
    Files.writeString(file(), callers);
    var options = new AccessOptions(file(), null, CallerLimits.NONE);
    return new AccessControl(options, metrics, ticker, () -> NOW);
  }

  private static String line(String name, ApiKey key, String rest) {
    return "%s: {keys: [\"%s\"], %s}%n".formatted(name, key.digest(), rest);
  }

  private static Credentials bearer(String secret) {
    return Credentials.of(List.of("Bearer " + secret), List.of(), null);
  }

  private static Credentials certificate(@Nullable String subject) {
    return Credentials.of(
        List.of(), List.of(), subject == null ? null : new X500Principal(subject));
  }

  private static Denial denied(Decision decision) {
    assertThat(decision).isInstanceOf(Refused.class);
    return ((Refused) decision).denial();
  }

  private static String admitted(Decision decision) {
    assertThat(decision).isInstanceOf(Admitted.class);
    return ((Admitted) decision).caller().name();
  }

  static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("time to wait").isLessThan(end);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
    }
  }

  @Test
  void aKeyLetsItsOwnerDoWhatItsRolesAllow() throws Exception {
    ApiKey key = ApiKey.make();
    try (var control = control(line("camera", key, "roles: [inference]"))) {
      assertThat(admitted(control.decide(bearer(key.reveal()), Need.INFERENCE)))
          .isEqualTo("camera");
      assertThat(admitted(control.decide(bearer(key.reveal()), Need.IDENTITY))).isEqualTo("camera");
      assertThat(denied(control.decide(bearer(key.reveal()), Need.METRICS))).isEqualTo(Denial.ROLE);
      Credentials other = Credentials.of(List.of(), List.of(key.reveal()), null);
      assertThat(admitted(control.decide(other, Need.INFERENCE))).isEqualTo("camera");
    }
  }

  @Test
  void whatIsNoKeyLetsNobodyIn() throws Exception {
    ApiKey key = ApiKey.make();
    String good = key.reveal();
    String digest = key.digest().substring("sha256:".length());
    try (var control = control(line("camera", key, "roles: [inference]"))) {
      for (String wrong :
          List.of(
              good.substring(0, good.length() - 1),
              good + "A",
              good.toUpperCase(java.util.Locale.ROOT),
              good.substring(ApiKey.PREFIX.length()),
              ApiKey.make().reveal(),
              digest,
              key.digest().replace(':', '.'),
              ApiKey.PREFIX + digest,
              ApiKey.PREFIX,
              "camera",
              "")) {
        assertThat(denied(control.decide(bearer(wrong), Need.IDENTITY)))
            .as(wrong)
            .isEqualTo(Denial.UNKNOWN);
      }
    }
  }

  @Test
  void whoShowsNothingIsAStrangerUnlessTheFileSaysOtherwise() throws Exception {
    Credentials nothing = certificate(null);
    try (var control = control("")) {
      assertThat(denied(control.decide(nothing, Need.METRICS))).isEqualTo(Denial.MISSING);
      assertThat(control.decide(nothing, Need.NOTHING)).isEqualTo(new Admitted(Caller.STRANGER));
    }
    try (var control = control("anonymous: {roles: [metrics]}")) {
      assertThat(admitted(control.decide(nothing, Need.METRICS))).isEqualTo("anonymous");
      assertThat(denied(control.decide(nothing, Need.INFERENCE))).isEqualTo(Denial.MISSING);
    }
  }

  @Test
  void moreThanOneHeaderIsOneTooMany() throws Exception {
    ApiKey key = ApiKey.make();
    String bearer = "Bearer " + key.reveal();
    try (var control = control(line("camera", key, "roles: [inference]"))) {
      Credentials twice = Credentials.of(List.of(bearer, bearer), List.of(), null);
      assertThat(denied(control.decide(twice, Need.INFERENCE))).isEqualTo(Denial.AMBIGUOUS);
      Credentials both = Credentials.of(List.of(bearer), List.of(key.reveal()), null);
      assertThat(denied(control.decide(both, Need.INFERENCE))).isEqualTo(Denial.AMBIGUOUS);
      Credentials other = Credentials.of(List.of("Basic dXNlcjpwYXNz"), List.of(), null);
      assertThat(denied(control.decide(other, Need.INFERENCE))).isEqualTo(Denial.UNKNOWN);
    }
  }

  @Test
  void aCertificateStandsForWhoeverHasItsSubject() throws Exception {
    String callers = "robot: {roles: [inference], subjects: ['CN=robot,O=Factory']}";
    try (var control = control(callers)) {
      assertThat(admitted(control.decide(certificate("cn=Robot, o=factory"), Need.INFERENCE)))
          .isEqualTo("robot");
      assertThat(denied(control.decide(certificate("CN=robot,O=Other"), Need.INFERENCE)))
          .isEqualTo(Denial.UNKNOWN);
    }
  }

  @Test
  void aCallerEndsWhenItsTimeIsOver() throws Exception {
    ApiKey key = ApiKey.make();
    try (var control =
        control(line("camera", key, "roles: [inference], expires: '2027-06-01T00:00:00Z'"))) {
      assertThat(denied(control.decide(bearer(key.reveal()), Need.INFERENCE)))
          .isEqualTo(Denial.EXPIRED);
    }
    try (var control = control(line("camera", key, "roles: [inference], expires: 2027-06-02"))) {
      assertThat(admitted(control.decide(bearer(key.reveal()), Need.INFERENCE)))
          .isEqualTo("camera");
    }
  }

  @Test
  void limitsHoldForACallerHoweverManyKeysItHas() throws Exception {
    ApiKey first = ApiKey.make();
    ApiKey second = ApiKey.make();
    String callers =
        "a: {roles: [inference], keys: ['%s', '%s'], rate: 1, burst: 2, concurrency: 2}"
            .formatted(first.digest(), second.digest());
    try (var control = control(callers)) {
      Decision one = control.decide(bearer(first.reveal()), Need.INFERENCE);
      assertThat(admitted(one)).isEqualTo("a");
      assertThat(admitted(control.decide(bearer(second.reveal()), Need.INFERENCE))).isEqualTo("a");
      assertThat(denied(control.decide(bearer(first.reveal()), Need.INFERENCE)))
          .isEqualTo(Denial.CONCURRENCY);
      ((Admitted) one).caller().left();
      Refused limited = (Refused) control.decide(bearer(first.reveal()), Need.INFERENCE);
      assertThat(limited.denial()).isEqualTo(Denial.RATE);
      assertThat(limited.retrySeconds()).isEqualTo(1);
      ticker.advance(Duration.ofSeconds(1));
      assertThat(admitted(control.decide(bearer(first.reveal()), Need.INFERENCE))).isEqualTo("a");
      assertThat(control.decide(bearer(first.reveal()), Need.NOTHING)).isInstanceOf(Admitted.class);
    }
  }

  @Test
  @Execution(ExecutionMode.CONCURRENT)
  void theFileIsFollowedAndADamagedOneChangesNothing() throws Exception {
    ApiKey old = ApiKey.make();
    ApiKey fresh = ApiKey.make();
    try (var control = control(line("a", old, "roles: [inference]"))) {
      Files.writeString(file(), line("a", fresh, "roles: [inference]"));
      await(
          () -> control.decide(bearer(fresh.reveal()), Need.INFERENCE) instanceof Admitted(var _));
      assertThat(denied(control.decide(bearer(old.reveal()), Need.INFERENCE)))
          .isEqualTo(Denial.UNKNOWN);
      Files.writeString(file(), "a: {keys: [half");
      await(() -> metrics.scrape().contains("outcome=\"refused\"} 1"));
      assertThat(admitted(control.decide(bearer(fresh.reveal()), Need.INFERENCE))).isEqualTo("a");
    }
  }

  @Test
  void aFileThatIsMissingOrWrongAtTheStartIsToldWithItsName() throws Exception {
    var options = new AccessOptions(folder.resolve("none.yaml"), null, CallerLimits.NONE);
    assertThatThrownBy(() -> new AccessControl(options, metrics, ticker))
        .isInstanceOf(FaultException.class)
        .hasMessageEndingWith("none.yaml: no such file");
    assertThatThrownBy(() -> control("a: {keys: 'nrd_secret'}"))
        .isInstanceOf(FaultException.class)
        .hasMessageContaining("callers.yaml: line 1: key (expected: sha256:")
        .hasMessageNotContaining("nrd_secret");
  }

  @Test
  void nothingThatIsShownIsInATextOfOurs() {
    ApiKey key = ApiKey.make();
    assertThat(key.toString()).doesNotContain(key.reveal());
    assertThat(key.reveal()).startsWith("nrd_").hasSize(47);
    assertThat(bearer(key.reveal()).toString()).isEqualTo("credentials");
    assertThat(ApiKey.make().reveal()).isNotEqualTo(key.reveal());
  }
}
