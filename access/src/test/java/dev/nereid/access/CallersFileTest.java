package dev.nereid.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import javax.security.auth.x500.X500Principal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class CallersFileTest {
  private static final String DIGEST = "sha256:" + "ab".repeat(32);

  private static List<CallerEntry> parse(String yaml) {
    return CallersFile.parse(yaml.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void everySettingReachesItsPlace() {
    var entries =
        parse(
            """
            # who may call
            camera-1: {roles: [inference], keys: ["%s"]}
            boss@example.com:
              roles: [administration, metrics]
              subjects: ["CN=boss, O=Factory"]
              tokens: boss
              expires: 2027-01-31
              rate: 2.5
              burst: 7
              concurrency: 3
            anonymous: {roles: metrics}
            """
                .formatted(DIGEST));
    assertThat(entries)
        .containsExactly(
            new CallerEntry(
                "camera-1",
                Set.of(Role.INFERENCE),
                null,
                null,
                List.of("ab".repeat(32)),
                List.of(),
                List.of()),
            new CallerEntry(
                "boss@example.com",
                Set.of(Role.ADMINISTRATION, Role.METRICS),
                new CallerLimits(2.5, 7, 3),
                Instant.parse("2027-01-31T00:00:00Z"),
                List.of(),
                List.of(new X500Principal("CN=boss,O=Factory")),
                List.of("boss")),
            new CallerEntry(
                "anonymous", Set.of(Role.METRICS), null, null, List.of(), List.of(), List.of()));
  }

  @Test
  void anEmptyFileHasNobody() {
    assertThat(parse("")).isEmpty();
    assertThat(parse("# nobody yet\n")).isEmpty();
  }

  @Test
  void aRateAloneAllowsTheBurstOfASecond() {
    var entries = parse("a: {tokens: a, rate: 2.5}\nb: {tokens: b, concurrency: 4}\n");
    assertThat(entries.get(0).limits()).isEqualTo(new CallerLimits(2.5, 3, 0));
    assertThat(entries.get(1).limits()).isEqualTo(new CallerLimits(0, 1, 4));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          a: {tokens: x, roles: [king]}     | line 1: roles (expected: inference, metrics or adm
          a: {tokens: x, color: red}        | line 1: unknown setting (expected: roles, keys
          a: {tokens: x, tokens: y}         | line 1: tokens: set twice
          a: {}                             | line 1: a: nothing (expected: keys, subjects or tok
          a                                 | line 1: callers (expected: NAME: VALUE lines)
          [a, b]                            | line 1: callers (expected: NAME: VALUE lines)
          a: {keys: secret-key-of-mine}     | line 1: key (expected: sha256: and 64 digits
          a: {keys: 'sha256:zz'}            | line 1: key (expected: sha256: and 64 digits
          a: {subjects: nonsense}           | line 1: subjects (expected: names like CN=camera-1
          a: {tokens: x, expires: tomorrow} | line 1: expires (expected: 2027-01-31 or
          a: {tokens: x, rate: -1}          | line 1: rate (expected: a number, 0 or more)
          a: {tokens: x, rate: much}        | line 1: rate (expected: a number, 0 or more)
          a: {tokens: x, rate: 9999999}     | line 1: rate: 9999999.0 (expected: 0 to 1000000)
          a b: {tokens: x}                  | line 1: name: 'a b' (expected: 1 to 64 letters
          anonymous: {tokens: x}            | line 1: anonymous: keys (expected: none
          a: {tokens: [[x]]}                | line 1: tokens (expected: a value, or a list
          a: {tokens: *x}                   | line 1: not YAML
          """)
  void whatIsWrongIsToldWithoutItsValue(String yaml, String message) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> parse(yaml))
        .withMessageStartingWith(message)
        .withMessageNotContaining("secret-key-of-mine");
  }

  @Test
  void theLineIsTold() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> parse("a: {tokens: a}\nb: {tokens: b}\na: {tokens: c}\n"))
        .withMessage("line 3: a: named twice (expected: once)");
  }

  @Test
  void whatTwoCallersShowMustDiffer() {
    Budgets budgets = new Budgets(() -> 0);
    String twice = "a: {keys: '%s'}\nb: {keys: '%s'}\n".formatted(DIGEST, DIGEST);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> CallerList.of(parse(twice), CallerLimits.NONE, budgets))
        .withMessage("b: keys that stand in the file twice (expected: once)");
  }
}
