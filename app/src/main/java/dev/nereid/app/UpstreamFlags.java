package dev.nereid.app;

import dev.nereid.client.ChannelOptions;
import dev.nereid.client.Endpoint;
import dev.nereid.client.TlsOptions;
import dev.nereid.client.UpstreamCredentials;
import dev.nereid.client.UpstreamOptions;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options on the remote servers behind the image gateway. */
final class UpstreamFlags {
  private static final int USUAL_PORT = 8001;
  private static final String OVER_TLS = "grpcs://";

  @Option(
      names = "--upstream",
      paramLabel = "[grpc[s]://]HOST:PORT",
      split = ",",
      description =
          "Remote v2 servers that run the models, grpcs over TLS; may be repeated (default: none).")
  private List<String> targets = new ArrayList<>();

  @Option(
      names = "--upstream-policy",
      paramLabel = "NAME",
      description = "Which server gets a call: round_robin or least_request (${DEFAULT-VALUE}).")
  private String policy = "round_robin";

  @Option(
      names = "--upstream-channels",
      paramLabel = "K",
      description = "Connections to each server, for each priority (${DEFAULT-VALUE}).")
  private int channels = 1;

  @Option(
      names = "--upstream-keepalive-time",
      paramLabel = "MILLIS",
      description = "Silence on a connection before a ping, 10000 at least (${DEFAULT-VALUE}).")
  private long keepAliveMillis = ChannelOptions.KeepAlive.DEFAULT.time().toMillis();

  @Option(
      names = "--upstream-keepalive-timeout",
      paramLabel = "MILLIS",
      description = "How long the answer to a ping may take (${DEFAULT-VALUE}).")
  private long keepAliveTimeoutMillis = ChannelOptions.KeepAlive.DEFAULT.timeout().toMillis();

  @Option(
      names = "--upstream-keepalive-permit-without-calls",
      paramLabel = "BOOL",
      converter = OnOff.class,
      arity = "1",
      description = "Whether a connection is pinged while nothing runs (${DEFAULT-VALUE}).")
  private boolean keepAliveWithoutCalls;

  @Option(
      names = "--upstream-health-interval-ms",
      paramLabel = "MILLIS",
      description = "Between two questions whether a server lives (${DEFAULT-VALUE}).")
  private long intervalMillis = UpstreamOptions.Health.DEFAULT.interval().toMillis();

  @Option(
      names = "--upstream-health-timeout-ms",
      paramLabel = "MILLIS",
      description = "A server without an answer for so long is stuck (${DEFAULT-VALUE}).")
  private long timeoutMillis = UpstreamOptions.Health.DEFAULT.timeout().toMillis();

  @Option(
      names = "--upstream-slow-factor",
      paramLabel = "X",
      description =
          "So many times slower than the others is too slow; 0: never (${DEFAULT-VALUE}).")
  private double slowFactor = UpstreamOptions.Health.DEFAULT.slowFactor();

  @Option(
      names = "--upstream-attempts",
      paramLabel = "N",
      description = "Attempts of a call, where repeating is safe (${DEFAULT-VALUE}).")
  private int attempts = UpstreamOptions.Retry.DEFAULT.attempts();

  @Option(
      names = "--upstream-retry-budget",
      paramLabel = "N",
      description = "Retries at once; five calls earn another one (${DEFAULT-VALUE}).")
  private int budget = UpstreamOptions.Retry.DEFAULT.budget();

  @Option(
      names = "--upstream-hedge-after-ms",
      paramLabel = "MILLIS",
      description = "Ask a second server after so long without an answer; 0: never (0).")
  private long hedgeMillis;

  @Option(
      names = "--upstream-breaker-failures",
      paramLabel = "N",
      description =
          "Failures in a row after which a server's model is left alone (${DEFAULT-VALUE}).")
  private int breakerFailures = UpstreamOptions.Breaker.DEFAULT.failures();

  @Option(
      names = "--upstream-breaker-pause-ms",
      paramLabel = "MILLIS",
      description = "For how long (${DEFAULT-VALUE}).")
  private long breakerMillis = UpstreamOptions.Breaker.DEFAULT.pause().toMillis();

  @Option(
      names = "--upstream-fallback",
      paramLabel = "MODEL=OTHER",
      description = "The model that stands in while no server serves that one; may be repeated.")
  private Map<String, String> fallbacks = new HashMap<>();

  @Option(
      names = "--upstream-max-in-flight",
      paramLabel = "N",
      description = "Calls to all servers not answered yet (${DEFAULT-VALUE}).")
  private int calls = UpstreamOptions.Limits.DEFAULT.calls();

  @Option(
      names = "--upstream-max-in-flight-bytes",
      paramLabel = "BYTES",
      description = "The bytes of those calls (${DEFAULT-VALUE}).")
  private long bytes = UpstreamOptions.Limits.DEFAULT.bytes();

  @Option(
      names = "--upstream-max-in-flight-per-model",
      paramLabel = "N",
      description = "Calls of one model not answered yet (${DEFAULT-VALUE}).")
  private int perModel = UpstreamOptions.Limits.DEFAULT.perModel();

  @Option(
      names = "--upstream-max-wait-ms",
      paramLabel = "MILLIS",
      description = "How long a call waits for room before it is refused (${DEFAULT-VALUE}).")
  private long waitMillis = UpstreamOptions.Limits.DEFAULT.patience().toMillis();

  @Option(
      names = "--upstream-root-cert",
      paramLabel = "FILE",
      description = "Who may sign the certificates of servers, as PEM (default: the system's).")
  private @Nullable Path roots;

  @Option(
      names = "--upstream-client-cert",
      paramLabel = "FILE",
      description = "The certificate shown to servers that ask for one, as PEM (default: none).")
  private @Nullable Path certificate;

  @Option(
      names = "--upstream-client-key",
      paramLabel = "FILE",
      description = "The key of that certificate, as PEM of PKCS #8.")
  private @Nullable Path key;

  @Option(
      names = "--upstream-server-name",
      paramLabel = "NAME",
      description = "Whom a server's certificate must be for (default: the upstream's HOST).")
  private @Nullable String serverName;

  @Option(
      names = "--upstream-credentials-file",
      paramLabel = "[HOST:PORT=]FILE",
      description =
          "Shown with every call, to that server or to all: a token, or lines NAME: VALUE; may be"
              + " repeated.")
  private List<String> credentialFiles = new ArrayList<>();

  @Option(
      names = "--upstream-credentials-env",
      paramLabel = "[HOST:PORT=]VARIABLE",
      description = "The same from a variable of the environment; may be repeated.")
  private List<String> credentialVariables = new ArrayList<>();

  boolean isGiven() {
    return !targets.isEmpty();
  }

  ServeOptions.@Nullable Upstream options() {
    if (targets.isEmpty()) {
      return null;
    }
    try {
      return new ServeOptions.Upstream(upstreams(), fallbacks);
    } catch (IllegalArgumentException e) {
      throw new Mishap("--" + e.getMessage());
    }
  }

  private UpstreamOptions upstreams() {
    UpstreamOptions.Retry usual = UpstreamOptions.Retry.DEFAULT;
    return new UpstreamOptions(
        targets.stream().map(UpstreamFlags::endpoint).toList(),
        policy(),
        channels,
        ChannelOptions.DEFAULT.withKeepAlive(
            new ChannelOptions.KeepAlive(
                Duration.ofMillis(keepAliveMillis),
                Duration.ofMillis(keepAliveTimeoutMillis),
                keepAliveWithoutCalls)),
        new UpstreamOptions.Health(
            Duration.ofMillis(intervalMillis), Duration.ofMillis(timeoutMillis), slowFactor),
        new UpstreamOptions.Retry(
            attempts, usual.backoff(), budget, usual.perCall(), Duration.ofMillis(hedgeMillis)),
        new UpstreamOptions.Breaker(
            breakerFailures,
            Duration.ofMillis(breakerMillis),
            UpstreamOptions.Breaker.DEFAULT.probes()),
        new UpstreamOptions.Limits(calls, bytes, perModel, Duration.ofMillis(waitMillis)),
        security());
  }

  private static Endpoint endpoint(String text) {
    return Endpoint.parse(
        isOverTls(text) ? text.strip().substring(OVER_TLS.length()) : text, USUAL_PORT);
  }

  private static boolean isOverTls(String text) {
    return text.strip().startsWith(OVER_TLS);
  }

  private UpstreamOptions.Security security() {
    if (certificate != null && key == null) {
      throw new IllegalArgumentException(
          "upstream-client-key: none (expected: a PEM file, beside the certificate)");
    }
    if (certificate == null && key != null) {
      throw new IllegalArgumentException(
          "upstream-client-cert: none (expected: a PEM file, beside the key)");
    }
    TlsOptions tls = new TlsOptions(roots, certificate, key, serverName);
    Set<Endpoint> secured =
        targets.stream()
            .filter(UpstreamFlags::isOverTls)
            .map(UpstreamFlags::endpoint)
            .collect(Collectors.toSet());
    if (secured.isEmpty() && !tls.equals(TlsOptions.DEFAULT)) {
      throw new IllegalArgumentException(
          "upstream: none over TLS (expected: grpcs://HOST:PORT, with certificates)");
    }
    return new UpstreamOptions.Security(secured, tls, credentials());
  }

  /** What each server is shown; what is said of it alone goes before what is said of all. */
  private Map<Endpoint, UpstreamCredentials> credentials() {
    Map<Endpoint, UpstreamCredentials> own = new HashMap<>();
    Map<Endpoint, UpstreamCredentials> common = new HashMap<>();
    for (String text : credentialFiles) {
      put("file", text, file -> new UpstreamCredentials.OfFile(Path.of(file)), own, common);
    }
    for (String text : credentialVariables) {
      put("env", text, UpstreamFlags::ofVariable, own, common);
    }
    common.putAll(own);
    return common;
  }

  private void put(
      String flag,
      String text,
      Function<String, UpstreamCredentials> source,
      Map<Endpoint, UpstreamCredentials> own,
      Map<Endpoint, UpstreamCredentials> common) {
    List<Endpoint> all = targets.stream().map(UpstreamFlags::endpoint).toList();
    int equals = text.indexOf('=');
    if (equals > 0) {
      Endpoint one = endpoint(text.substring(0, equals));
      if (!all.contains(one)) {
        throw new IllegalArgumentException(
            "upstream-credentials-%s: %s is no upstream (expected: one of %s)"
                .formatted(flag, one, all));
      }
      all = List.of(one);
    }
    UpstreamCredentials shown = source.apply(text.substring(equals + 1));
    for (Endpoint each : all) {
      if ((equals > 0 ? own : common).put(each, shown) != null) {
        throw new IllegalArgumentException(
            "upstream-credentials-%s: %s has some already (expected: once)".formatted(flag, each));
      }
    }
  }

  private static UpstreamCredentials ofVariable(String name) {
    String text = System.getenv(name);
    if (text == null) {
      throw new IllegalArgumentException(
          "upstream-credentials-env: " + name + " is not set in the environment");
    }
    try {
      return new UpstreamCredentials.OfText(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "upstream-credentials-env: " + name + ": " + e.getMessage(), e);
    }
  }

  private UpstreamOptions.Policy policy() {
    for (UpstreamOptions.Policy each : UpstreamOptions.Policy.values()) {
      if (each.name().toLowerCase(Locale.ROOT).equals(policy)) {
        return each;
      }
    }
    throw new IllegalArgumentException(
        "upstream-policy: '" + policy + "' (expected: round_robin or least_request)");
  }
}
