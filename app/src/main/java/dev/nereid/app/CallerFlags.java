package dev.nereid.app;

import dev.nereid.access.AccessOptions;
import dev.nereid.access.CallerLimits;
import dev.nereid.access.TokenOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options on who may call. */
final class CallerFlags {
  private static final Set<String> LISTENERS = Set.of("http", "grpc", "metrics", "gateway");

  @Option(
      names = "--callers-file",
      paramLabel = "FILE",
      description = "Who may call, as YAML; read again when it changes (default: everybody).")
  private @Nullable Path file;

  @Option(
      names = "--callers-on",
      paramLabel = "LISTENER",
      split = ",",
      description =
          "The listeners that ask who calls: http, grpc, metrics, gateway (default: all of them).")
  private List<String> listeners = new ArrayList<>();

  @Option(
      names = "--caller-rate",
      paramLabel = "N",
      description =
          "Requests in a second of each caller without limits of its own; 0 for any"
              + " (${DEFAULT-VALUE}).")
  private double rate;

  @Option(
      names = "--caller-burst",
      paramLabel = "N",
      description =
          "How many of them may come at once; 0 for those of a second (${DEFAULT-VALUE}).")
  private int burst;

  @Option(
      names = "--caller-concurrency",
      paramLabel = "N",
      description = "Its requests at a time; 0 for any (${DEFAULT-VALUE}).")
  private int concurrency;

  @Option(
      names = "--jwt-keys",
      paramLabel = "FILE|URL",
      description = "Public keys of an issuer of tokens, a JSON Web Key Set (default: no tokens).")
  private @Nullable String keys;

  @Option(
      names = "--jwt-issuer",
      paramLabel = "ISSUER",
      description = "The iss that tokens must have (required for tokens).")
  private String issuer = "";

  @Option(
      names = "--jwt-audience",
      paramLabel = "AUDIENCE",
      description = "The aud that tokens must have, or one of several (required for tokens).")
  private List<String> audiences = new ArrayList<>();

  @Option(
      names = "--jwt-algorithms",
      paramLabel = "NAME",
      split = ",",
      description = "Signatures that count (default: RS256, PS256, ES256).")
  private List<String> algorithms = new ArrayList<>();

  @Option(
      names = "--jwt-roles-claim",
      paramLabel = "CLAIM",
      description = "Where a token has its roles, such as realm_access.roles (${DEFAULT-VALUE}).")
  private String rolesClaim = "roles";

  @Option(
      names = "--jwt-name-claim",
      paramLabel = "CLAIM",
      description = "What a token calls its owner (${DEFAULT-VALUE}).")
  private String nameClaim = "sub";

  @Option(
      names = "--jwt-leeway-secs",
      paramLabel = "SECONDS",
      description = "How far the issuer's clock may be off (${DEFAULT-VALUE}).")
  private int leewaySeconds = 30;

  @Option(
      names = "--jwt-refresh-secs",
      paramLabel = "SECONDS",
      description = "How often keys at a URL are asked for (${DEFAULT-VALUE}).")
  private int refreshSeconds = 60;

  /** What they say; null when everybody may call. */
  ServeOptions.@Nullable Callers options() {
    Set<String> asking = new LinkedHashSet<>(listeners.isEmpty() ? LISTENERS : listeners);
    if (!LISTENERS.containsAll(asking)) {
      throw new Mishap("--callers-on: " + asking + " (expected: http, grpc, metrics, gateway)");
    }
    if (file == null && keys == null) {
      if (rate > 0 || concurrency > 0 || !issuer.isEmpty() || !listeners.isEmpty()) {
        throw new Mishap(
            "--callers-file: none, and no --jwt-keys (expected: one of them, for other options on"
                + " callers)");
      }
      return null;
    }
    return new ServeOptions.Callers(new AccessOptions(file, tokens(), limits()), asking);
  }

  private CallerLimits limits() {
    try {
      return new CallerLimits(
          rate, burst == 0 ? (int) Math.max(1, Math.ceil(rate)) : burst, concurrency);
    } catch (IllegalArgumentException e) {
      throw new Mishap("--caller-" + e.getMessage());
    }
  }

  private @Nullable TokenOptions tokens() {
    if (keys == null) {
      return null;
    }
    try {
      return new TokenOptions(
          keys,
          issuer,
          audiences,
          algorithms.isEmpty() ? TokenOptions.USUAL_ALGORITHMS : Set.copyOf(algorithms),
          rolesClaim,
          nameClaim,
          Duration.ofSeconds(leewaySeconds),
          Duration.ofSeconds(refreshSeconds));
    } catch (IllegalArgumentException e) {
      throw new Mishap("--jwt-" + e.getMessage());
    }
  }
}
