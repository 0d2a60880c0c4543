package dev.nereid.access;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Which tokens (JWT) count.
 *
 * @param keys the issuer's public keys, a JSON Web Key Set: a file, or an address
 * @param issuer that tokens must name
 * @param audiences of which tokens must name one
 * @param algorithms that may sign; none with a shared secret is possible
 * @param rolesClaim where the roles stand, {@code realm_access.roles} for one in another
 * @param nameClaim what the caller is called
 * @param leeway between the issuer's clock and ours
 * @param refresh how often keys at an address are asked for
 */
public record TokenOptions(
    String keys,
    String issuer,
    List<String> audiences,
    Set<String> algorithms,
    String rolesClaim,
    String nameClaim,
    Duration leeway,
    Duration refresh) {
  /** What may sign unless something else is said. */
  public static final Set<String> USUAL_ALGORITHMS = Set.of("RS256", "PS256", "ES256");

  private static final Set<String> POSSIBLE =
      Set.of("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512");

  public TokenOptions {
    audiences = List.copyOf(audiences);
    algorithms = Set.copyOf(algorithms);
    require(!keys.isBlank(), "keys", "none", "a file or an https address");
    require(!issuer.isBlank(), "issuer", "none", "the iss of tokens");
    require(
        !audiences.isEmpty() && audiences.stream().noneMatch(String::isBlank),
        "audience",
        "none",
        "the aud of tokens");
    require(!algorithms.isEmpty(), "algorithms", "none", "some of " + POSSIBLE);
    for (String algorithm : algorithms) {
      require(POSSIBLE.contains(algorithm), "algorithms", algorithm, "some of " + POSSIBLE);
    }
    require(!rolesClaim.isBlank() && !nameClaim.isBlank(), "claims", "none", "their names");
    require(
        !leeway.isNegative() && leeway.toMinutes() <= 5,
        "leeway",
        leeway.toSeconds(),
        "0 to 300 s");
    require(refresh.toSeconds() >= 1, "refresh", refresh.toSeconds(), ">= 1 s");
    URI address = address(keys);
    require(
        address == null || address.getScheme().equals("https") || isLocal(address),
        "keys",
        keys,
        "https, or http to this machine");
  }

  /** The usual rules for tokens of that issuer and audience. */
  public static TokenOptions of(String keys, String issuer, String audience) {
    return new TokenOptions(
        keys,
        issuer,
        List.of(audience),
        USUAL_ALGORITHMS,
        "roles",
        "sub",
        Duration.ofSeconds(30),
        Duration.ofMinutes(1));
  }

  /** Where the keys are asked for; null when they are in a file. */
  @Nullable URI address() {
    return address(keys);
  }

  /** The file that holds the keys. */
  Path file() {
    return Path.of(keys);
  }

  private static @Nullable URI address(String keys) {
    String typed = keys.toLowerCase(Locale.ROOT);
    return typed.startsWith("https://") || typed.startsWith("http://") ? URI.create(keys) : null;
  }

  private static boolean isLocal(URI address) {
    return Set.of("localhost", "127.0.0.1", "[::1]").contains(String.valueOf(address.getHost()));
  }

  private static void require(boolean holds, String key, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(key + ": " + value + " (expected: " + expected + ")");
    }
  }
}
