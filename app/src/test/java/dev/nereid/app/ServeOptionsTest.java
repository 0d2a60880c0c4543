package dev.nereid.app;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nereid.access.AccessOptions;
import dev.nereid.access.CallerLimits;
import dev.nereid.access.TokenOptions;
import dev.nereid.app.ServeOptions.AccessLogging;
import dev.nereid.app.ServeOptions.Browsers;
import dev.nereid.app.ServeOptions.Callers;
import dev.nereid.app.ServeOptions.Endpoint;
import dev.nereid.app.ServeOptions.Gateway;
import dev.nereid.app.ServeOptions.Grpc;
import dev.nereid.app.ServeOptions.Http;
import dev.nereid.app.ServeOptions.KeepAlive;
import dev.nereid.app.ServeOptions.Limits;
import dev.nereid.app.ServeOptions.Logging;
import dev.nereid.app.ServeOptions.Metrics;
import dev.nereid.app.ServeOptions.Models;
import dev.nereid.app.ServeOptions.Timeouts;
import dev.nereid.app.ServeOptions.Upstream;
import dev.nereid.client.ChannelOptions;
import dev.nereid.client.TlsOptions;
import dev.nereid.client.UpstreamCredentials;
import dev.nereid.client.UpstreamOptions;
import dev.nereid.engine.EngineOptions;
import dev.nereid.engine.EngineOptions.Control;
import dev.nereid.engine.EngineOptions.ControlMode;
import dev.nereid.engine.EngineOptions.GpuUnavailable;
import dev.nereid.gateway.PayloadSampleOptions;
import dev.nereid.gateway.ResultCacheOptions;
import dev.nereid.http.AccessLogWriter.Format;
import dev.nereid.http.TlsFiles;
import dev.nereid.scheduler.RateLimiter.Resource;
import dev.nereid.server.Access;
import dev.nereid.server.GrpcOptions.Packing;
import dev.nereid.server.HeaderForwarding;
import dev.nereid.server.Restrictions;
import dev.nereid.telemetry.LatencyOptions;
import dev.nereid.tracing.TracingOptions;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.logging.Level;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

final class ServeOptionsTest {
  private static final Installation INSTALLATION =
      new Installation(Path.of("/opt/nereid"), null, "0");

  private static final List<String> EVERY_FLAG =
      List.of(
          "--id=sea",
          "--strict-readiness=off",
          "--exit-timeout-secs=7",
          "--exit-grace-secs=5",
          "--model-repository=a",
          "--model-repository=b",
          "--model-config-name=fast",
          "--disable-auto-complete-config",
          "--strict-model-config=true",
          "--model-load-thread-count=9",
          "--exit-on-error=1",
          "--gpu-unavailable=cpu",
          "--backend-config=onnxruntime,default-max-batch-size=5",
          "--backend-config=seed=x=y,z",
          "--cache-config=local,size=20",
          "--response-cache-byte-size=0",
          "--rate-limit=execution_count",
          "--rate-limit-resource=R:4",
          "--rate-limit-resource=S:2:0",
          "--backend-directory=plugs",
          "--model-control-mode=Explicit",
          "--load-model=one",
          "--load-model=*",
          "--repository-poll-secs=19",
          "--model-load-timeout-secs=20",
          "--model-load-retry-count=21",
          "--allow-http=0",
          "--http-address=127.0.0.1",
          "--http-port=1",
          "--http-max-input-size=2",
          "--http-thread-count=3",
          "--reuse-http-port=true",
          "--http-restricted-api=logging:a=b",
          "--http-header-forward-pattern=x-.*",
          "--allow-grpc=FALSE",
          "--grpc-address=127.0.0.2",
          "--grpc-port=4",
          "--reuse-grpc-port=true",
          "--grpc-restricted-protocol=health,trace:c=d",
          "--grpc-header-forward-pattern=y-.*",
          "--grpc-infer-response-compression-level=high",
          "--grpc-keepalive-time=5",
          "--grpc-keepalive-timeout=6",
          "--grpc-keepalive-permit-without-calls=On",
          "--grpc-http2-min-recv-ping-interval-without-data=8",
          "--grpc-max-connection-age=9",
          "--grpc-max-connection-age-grace=10",
          "--grpc-max-message-size=20",
          "--allow-metrics=false",
          "--metrics-address=127.0.0.3",
          "--metrics-port=11",
          "--allow-gpu-metrics=false",
          "--allow-cpu-metrics=false",
          "--metrics-config=summary_latencies=true",
          "--metrics-config=summary_quantiles=0.5:0.05,0.75:0.01",
          "--allow-gateway=false",
          "--gateway-address=127.0.0.4",
          "--gateway-port=13",
          "--gateway-max-body-size=14",
          "--gateway-max-batch-images=19",
          "--gateway-max-stream-images=1900",
          "--result-cache=redis://cache:1903",
          "--result-cache-size=1901",
          "--result-cache-ttl-secs=1902",
          "--result-cache-timeout-ms=1904",
          "--traffic=traffic.yaml",
          "--gateway-alias=small=detect",
          "--grpc-use-ssl=true",
          "--grpc-use-ssl-mutual=true",
          "--grpc-server-cert=grpc.crt",
          "--grpc-server-key=grpc.key",
          "--grpc-root-cert=grpc.roots",
          "--http-use-ssl=true",
          "--http-use-ssl-mutual=true",
          "--http-server-cert=http.crt",
          "--http-server-key=http.key",
          "--http-root-cert=http.roots",
          "--metrics-use-ssl=true",
          "--metrics-use-ssl-mutual=true",
          "--metrics-server-cert=metrics.crt",
          "--metrics-server-key=metrics.key",
          "--metrics-root-cert=metrics.roots",
          "--gateway-use-ssl=true",
          "--gateway-use-ssl-mutual=true",
          "--gateway-server-cert=gateway.crt",
          "--gateway-server-key=gateway.key",
          "--gateway-root-cert=gateway.roots",
          "--log-verbose=2",
          "--log-info=false",
          "--log-warning=false",
          "--log-error=false",
          "--log-format=ISO8601",
          "--log-level=http=debug",
          "--log-level=io.netty=off",
          "--log-file=server.log",
          "--max-connections=15",
          "--max-in-flight-requests=16",
          "--max-in-flight-bytes=17",
          "--max-header-bytes=100",
          "--max-request-line-bytes=101",
          "--read-timeout-ms=21",
          "--read-bytes-per-second=22",
          "--idle-timeout-ms=23",
          "--request-timeout-ms=24",
          "--access-log=json",
          "--access-log-file=access.log",
          "--slow-request-ms=18",
          "--upstream=grpc://a:20,grpcs://b",
          "--upstream-policy=least_request",
          "--upstream-channels=21",
          "--upstream-keepalive-time=22",
          "--upstream-keepalive-timeout=23",
          "--upstream-keepalive-permit-without-calls=true",
          "--upstream-health-interval-ms=24",
          "--upstream-health-timeout-ms=25",
          "--upstream-slow-factor=26",
          "--upstream-attempts=27",
          "--upstream-retry-budget=28",
          "--upstream-hedge-after-ms=29",
          "--upstream-breaker-failures=30",
          "--upstream-breaker-pause-ms=31",
          "--upstream-max-in-flight=32",
          "--upstream-max-in-flight-bytes=33",
          "--upstream-max-in-flight-per-model=34",
          "--upstream-max-wait-ms=35",
          "--upstream-fallback=detect=small",
          "--upstream-root-cert=r",
          "--upstream-client-cert=c",
          "--upstream-client-key=k",
          "--upstream-server-name=name",
          "--upstream-credentials-file=secret",
          "--upstream-credentials-env=b=HOME",
          "--gateway-cors-origin=https://a.example",
          "--gateway-strict-transport-secs=36",
          "--callers-file=callers.yaml",
          "--callers-on=http,gateway",
          "--jwt-keys=jwks.json",
          "--jwt-issuer=issuer",
          "--jwt-audience=us",
          "--jwt-algorithms=ES384",
          "--jwt-roles-claim=groups",
          "--jwt-name-claim=email",
          "--jwt-leeway-secs=37",
          "--jwt-refresh-secs=38",
          "--caller-rate=39",
          "--caller-burst=40",
          "--caller-concurrency=41",
          "--sample-payloads=seen",
          "--sample-payloads-rate=0.45",
          "--sample-payloads-max-bytes=46",
          "--trace-endpoint=http://collector:4318",
          "--trace-sample-rate=0.42",
          "--trace-service-name=waves",
          "--trace-resource=zone=north",
          "--trace-header=x-key=secret",
          "--trace-config=opentelemetry,bsp_max_queue_size=43");

  @Test
  void defaultsAreTheDocumentedOnes() {
    assertThat(parse())
        .isEqualTo(
            new ServeOptions(
                "triton",
                true,
                Duration.ofSeconds(30),
                Duration.ofSeconds(3),
                new Models(
                    List.of(Path.of("/opt/nereid/models")),
                    "",
                    true,
                    4,
                    false,
                    GpuUnavailable.REFUSE,
                    Map.of(),
                    EngineOptions.Shared.NOTHING,
                    new Control(
                        ControlMode.POLL,
                        List.of(),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(600),
                        0,
                        null)),
                new Http(new Endpoint(true, "0.0.0.0", 8000), 67_108_864, 0, Access.OPEN),
                new Grpc(
                    new Endpoint(true, "0.0.0.0", 8001),
                    new KeepAlive(
                        Duration.ofHours(2), Duration.ofSeconds(20), false, Duration.ofMinutes(5)),
                    null,
                    null,
                    Access.OPEN,
                    Packing.NONE,
                    Integer.MAX_VALUE),
                new Metrics(new Endpoint(true, "0.0.0.0", 8002), true, true, LatencyOptions.OFF),
                new Gateway(
                    new Endpoint(true, "0.0.0.0", 9600),
                    52_428_800,
                    64,
                    1024,
                    Map.of(),
                    null,
                    null,
                    null,
                    Browsers.NOTHING),
                new Limits(65_536, 32_768, 4_294_967_296L, 32_768, 8_192),
                new Timeouts(Duration.ofSeconds(75), Duration.ofSeconds(20), 65_536, Duration.ZERO),
                Logging.DEFAULT,
                new AccessLogging(Format.TEXT, null, Duration.ofMillis(100)),
                null,
                null,
                null));
  }

  @Test
  void namedRepositoriesAreReadOnceUnlessItIsSaidOtherwise() {
    assertThat(parse("--model-repository=a").models().control().mode()).isEqualTo(ControlMode.NONE);
    Control polling = parse("--model-repository=a", "--model-control-mode=poll").models().control();
    assertThat(polling.mode()).isEqualTo(ControlMode.POLL);
    assertThat(polling.pollEvery()).isEqualTo(Duration.ofSeconds(15));
    assertThat(parse("--model-control-mode=none").models().control().mode())
        .isEqualTo(ControlMode.NONE);
  }

  @Test
  void everyFlagReachesItsComponent() {
    assertThat(parse(EVERY_FLAG.toArray(String[]::new)))
        .isEqualTo(
            new ServeOptions(
                "sea",
                false,
                Duration.ofSeconds(7),
                Duration.ofSeconds(5),
                everyModelFlag(),
                new Http(
                    new Endpoint(false, "127.0.0.1", 1, true, mutual("http")),
                    2,
                    3,
                    access("logging:a=b", "x-.*")),
                new Grpc(
                    new Endpoint(false, "127.0.0.2", 4, true, mutual("grpc")),
                    new KeepAlive(
                        Duration.ofMillis(5), Duration.ofMillis(6), true, Duration.ofMillis(8)),
                    Duration.ofMillis(9),
                    Duration.ofMillis(10),
                    access("health,trace:c=d", "y-.*"),
                    Packing.HIGH,
                    20),
                new Metrics(
                    new Endpoint(false, "127.0.0.3", 11, false, mutual("metrics")),
                    false,
                    false,
                    new LatencyOptions(false, true, List.of(0.5, 0.75))),
                new Gateway(
                    new Endpoint(false, "127.0.0.4", 13, false, mutual("gateway")),
                    14,
                    19,
                    1900,
                    Map.of("small", "detect"),
                    new ResultCacheOptions(
                        1901,
                        Duration.ofSeconds(1902),
                        URI.create("redis://cache:1903"),
                        Duration.ofMillis(1904)),
                    Path.of("traffic.yaml"),
                    new PayloadSampleOptions(Path.of("seen"), 0.45, 46),
                    new Browsers(List.of("https://a.example"), Duration.ofSeconds(36))),
                new Limits(15, 16, 17, 100, 101),
                new Timeouts(
                    Duration.ofMillis(23), Duration.ofMillis(21), 22, Duration.ofMillis(24)),
                new Logging(
                    2,
                    false,
                    false,
                    false,
                    LogFormat.ISO8601,
                    Map.of("dev.nereid.http", Level.FINE, "io.netty", Level.OFF),
                    Path.of("server.log")),
                new AccessLogging(Format.JSON, Path.of("access.log"), Duration.ofMillis(18)),
                everyUpstreamFlag(),
                everyCallerFlag(),
                everyTraceFlag()));
  }

  private static TracingOptions everyTraceFlag() {
    TracingOptions.Queue usual = TracingOptions.Queue.DEFAULT;
    return new TracingOptions(
        URI.create("http://collector:4318/v1/traces"),
        Map.of("x-key", "secret"),
        "waves",
        Map.of("zone", "north"),
        0.42,
        new TracingOptions.Queue(43, 43, usual.delay(), usual.timeout()));
  }

  private static Callers everyCallerFlag() {
    TokenOptions tokens =
        new TokenOptions(
            "jwks.json",
            "issuer",
            List.of("us"),
            Set.of("ES384"),
            "groups",
            "email",
            Duration.ofSeconds(37),
            Duration.ofSeconds(38));
    CallerLimits limits = new CallerLimits(39, 40, 41);
    return new Callers(
        new AccessOptions(Path.of("callers.yaml"), tokens, limits), Set.of("http", "gateway"));
  }

  private static Models everyModelFlag() {
    return new Models(
        List.of(Path.of("a"), Path.of("b")),
        "fast",
        false,
        9,
        true,
        GpuUnavailable.CPU,
        Map.of("onnxruntime", Map.of("default-max-batch-size", "5"), "", Map.of("seed", "x=y,z")),
        new EngineOptions.Shared(
            20,
            true,
            List.of(new Resource("R", 4, null), new Resource("S", 2, 0)),
            List.of(Path.of("plugs"))),
        new Control(
            ControlMode.EXPLICIT,
            List.of("one", "*"),
            Duration.ofSeconds(19),
            Duration.ofSeconds(20),
            21,
            null));
  }

  private static Upstream everyUpstreamFlag() {
    return new Upstream(
        new UpstreamOptions(
            List.of(
                new dev.nereid.client.Endpoint("a", 20), new dev.nereid.client.Endpoint("b", 8001)),
            UpstreamOptions.Policy.LEAST_REQUEST,
            21,
            ChannelOptions.DEFAULT.withKeepAlive(
                new ChannelOptions.KeepAlive(Duration.ofMillis(22), Duration.ofMillis(23), true)),
            new UpstreamOptions.Health(Duration.ofMillis(24), Duration.ofMillis(25), 26),
            new UpstreamOptions.Retry(27, Duration.ofMillis(5), 28, 0.2, Duration.ofMillis(29)),
            new UpstreamOptions.Breaker(30, Duration.ofMillis(31), 2),
            new UpstreamOptions.Limits(32, 33, 34, Duration.ofMillis(35)),
            new UpstreamOptions.Security(
                Set.of(new dev.nereid.client.Endpoint("b", 8001)),
                new TlsOptions(Path.of("r"), Path.of("c"), Path.of("k"), "name"),
                Map.of(
                    new dev.nereid.client.Endpoint("a", 20),
                    new UpstreamCredentials.OfFile(Path.of("secret")),
                    new dev.nereid.client.Endpoint("b", 8001),
                    new UpstreamCredentials.OfText(System.getenv("HOME"))))),
        Map.of("detect", "small"));
  }

  @Test
  void noFlagIsLeftOutOfTheTestAbove() {
    var typed =
        EVERY_FLAG.stream().map(flag -> flag.replaceFirst("=.*", "")).collect(Collectors.toSet());
    Stream<OptionSpec> known =
        new CommandLine(new ServeFlags()).getCommandSpec().options().stream();
    assertThat(known.map(option -> option.names()[0])).containsExactlyInAnyOrderElementsOf(typed);
  }

  private static Access access(String restricted, String pattern) {
    return new Access(Restrictions.parse(List.of(restricted)), HeaderForwarding.matching(pattern));
  }

  @Test
  void restrictionsThatAreNoneAreRefusedWithoutShowingTheKey() {
    assertThatThrownBy(() -> parse("--http-restricted-api=health,heath:key=secret"))
        .hasMessageStartingWith("--http-restricted-api: heath (expected: one of health, metadata,");
    assertThatThrownBy(() -> parse("--grpc-restricted-protocol=health:secret"))
        .hasMessage("--grpc-restricted-protocol: health:... (expected: API[,API]:HEADER=VALUE)");
    assertThatThrownBy(
            () -> parse("--http-restricted-api=health:a=b", "--http-restricted-api=health:c=d"))
        .hasMessageStartingWith("--http-restricted-api: health: named twice");
    assertThatThrownBy(() -> parse("--grpc-header-forward-pattern=("))
        .hasMessageStartingWith(
            "--grpc-header-forward-pattern: ( (expected: a regular expression)");
  }

  private static TlsFiles mutual(String listener) {
    return TlsFiles.mutual(
        Path.of(listener + ".crt"), Path.of(listener + ".key"), Path.of(listener + ".roots"));
  }

  @Test
  void tlsOfOtherListenersUsesTheFilesOfGrpc() {
    ServeOptions options =
        parse(
            "--grpc-server-cert=a",
            "--grpc-server-key=b",
            "--http-use-ssl=true",
            "--gateway-use-ssl=on");
    TlsFiles files = TlsFiles.of(Path.of("a"), Path.of("b"));
    assertThat(options.grpc().endpoint().tls()).isNull();
    assertThat(options.http().endpoint().tls()).isEqualTo(files);
    assertThat(options.gateway().endpoint().tls()).isEqualTo(files);
  }

  @Test
  void tlsWithoutItsFilesIsRefused() {
    assertThatThrownBy(() -> parse("--http-use-ssl=1"))
        .hasMessage("--http-server-cert: none (expected: a PEM file, for TLS)");
    assertThatThrownBy(
            () -> parse("--grpc-use-ssl-mutual=1", "--grpc-server-cert=a", "--grpc-server-key=b"))
        .hasMessage("--grpc-root-cert: none (expected: a PEM file, for TLS)");
  }

  @Test
  void theAccessLogIsJsonWhenTheLogIs() {
    assertThat(parse("--log-format=json").access().format()).isEqualTo(Format.JSON);
    assertThat(parse("--log-format=json", "--access-log=off").access().format())
        .isEqualTo(Format.OFF);
  }

  @Test
  void theOlderNameOfTheRepositoryIsKnown() {
    assertThat(parse("--model-store", "x").models().repositories()).containsExactly(Path.of("x"));
  }

  @Test
  void theOlderWordForCompleteConfigurationsIsTakenWithAWarning() {
    assertThat(parse("--strict-model-config=false").models().autoComplete()).isTrue();
    assertThat(parse("--strict-model-config", "True").models().autoComplete()).isFalse();
    assertThat(
            parse("--strict-model-config=false", "--disable-auto-complete-config")
                .models()
                .autoComplete())
        .isFalse();
    assertThat(warnings()).isEmpty();
    assertThat(warnings("--strict-model-config=false"))
        .containsExactly(
            "--strict-model-config is deprecated"
                + " (expected: --disable-auto-complete-config left out, which is the default)");
    assertThat(warnings("--strict-model-config=1"))
        .containsExactly(
            "--strict-model-config is deprecated"
                + " (expected: --disable-auto-complete-config in its place)");
    assertThat(warnings("--strict-model-config=0", "--disable-auto-complete-config"))
        .containsExactly(
            "--strict-model-config is deprecated"
                + " (expected: --disable-auto-complete-config alone, which counts here)");
  }

  private static List<String> warnings(String... arguments) {
    ServeFlags flags = new ServeFlags();
    new CommandLine(flags).parseArgs(arguments);
    return flags.warnings();
  }

  @Test
  void theLastOfTwoWordsOnTheSameCounts() {
    assertThat(parse("--http-port=1", "--http-address=h", "--http-port=2").http().endpoint())
        .isEqualTo(new Endpoint(true, "h", 2));
  }

  @Test
  void metricsListenWhereHttpDoes() {
    assertThat(parse("--http-address=127.0.0.1").metrics().endpoint().address())
        .isEqualTo("127.0.0.1");
  }

  @Test
  void verbosityIsANumberOrASwitch() {
    assertThat(parse("--log-verbose", "true").logging().verbose()).isEqualTo(1);
    assertThat(parse("--log-verbose", "3").logging().verbose()).isEqualTo(3);
  }

  @Test
  void theOlderNameOfTheCacheIsKnown() {
    assertThat(parse("--response-cache-byte-size=9").models().shared().cacheBytes()).isEqualTo(9);
    assertThatThrownBy(() -> parse("--response-cache-byte-size=9", "--cache-config=local,size=9"))
        .hasMessage("--response-cache-byte-size: 9 (expected: none beside --cache-config)");
    assertThatThrownBy(() -> parse("--cache-config=redis,host=h"))
        .hasMessageContaining("redis,host=h (expected: local,size=BYTES");
  }

  @Test
  void resourcesHaveANameANumberAndPerhapsADevice() {
    for (String wrong : List.of("R", "R:x", ":1", "R:1:2:3", "R:-1", "R:1:")) {
      assertThatThrownBy(() -> parse("--rate-limit-resource=" + wrong))
          .hasMessage(
              "--rate-limit-resource: " + wrong + " (expected: NAME:COUNT or NAME:COUNT:DEVICE)");
    }
    assertThatThrownBy(() -> parse("--rate-limit=on"))
        .hasMessage("--rate-limit: on (expected: off or execution_count)");
  }

  @Test
  void refusesWhatCannotBeMeant() {
    assertThatThrownBy(() -> parse("--http-port=70000"))
        .hasMessage("port: 70000 (expected: 0 to 65535)");
    assertThatThrownBy(() -> parse("--log-format=xml"))
        .hasMessageEndingWith("'--log-format': xml (expected: default, ISO8601 or json)");
    assertThatThrownBy(() -> parse("--upstream=a,a"))
        .hasMessage("--upstream: [a:8001, a:8001] (expected: each one once)");
    assertThatThrownBy(() -> parse("--upstream=grpcs://a", "--upstream-client-cert=c"))
        .hasMessage("--upstream-client-key: none (expected: a PEM file, beside the certificate)");
    assertThatThrownBy(() -> parse("--upstream=a", "--upstream-policy=any"))
        .hasMessage("--upstream-policy: 'any' (expected: round_robin or least_request)");
    assertThatThrownBy(() -> parse("--model-repository=s3://bucket"))
        .hasMessage(
            "--model-repository: s3://bucket (expected: a directory; s3:// is not offered yet)");
    assertThatThrownBy(() -> parse("--backend-config=onnxruntime"))
        .hasMessage("--backend-config: onnxruntime (expected: [BACKEND,]KEY=VALUE)");
  }

  private static ServeOptions parse(String... arguments) {
    ServeFlags flags = new ServeFlags();
    new CommandLine(flags).setOverwrittenOptionsAllowed(true).parseArgs(arguments);
    return flags.options(INSTALLATION);
  }
}
