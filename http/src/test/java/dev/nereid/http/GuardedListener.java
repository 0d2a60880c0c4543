package dev.nereid.http;

import dev.nereid.access.AccessControl;
import dev.nereid.access.AccessOptions;
import dev.nereid.access.ApiKey;
import dev.nereid.access.CallerLimits;
import dev.nereid.access.Need;
import dev.nereid.access.TestTokens;
import dev.nereid.access.TokenOptions;
import dev.nereid.core.Ticker;
import dev.nereid.telemetry.Meter;
import dev.nereid.telemetry.Metrics;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/** A listener that asks who calls, with callers, an issuer of tokens, and an access log. */
final class GuardedListener implements AutoCloseable {
  static final TestTokens ISSUER = new TestTokens();
  private static final ApiKey CAMERA = ApiKey.make();
  private static final ApiKey LIMITED = ApiKey.make();
  private static final ApiKey BUSY = ApiKey.make();

  final Metrics metrics = new Metrics();
  final LinkedBlockingQueue<HttpExchange> held = new LinkedBlockingQueue<>();
  final RunningListener running;
  private final AccessControl access;
  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
  private final AccessLogWriter log;

  GuardedListener(Path folder, List<String> origins, @Nullable ListenerTls tls) throws IOException {
    Path callers = folder.resolve("callers.yaml");
    Files.writeString(
        callers,
        """
        camera: {roles: [inference], keys: ["%s"]}
        limited: {roles: [inference], keys: ["%s"], rate: 0.01}
        busy: {roles: [inference], keys: ["%s"], concurrency: 1}
        robot: {roles: [inference], subjects: ["CN=robot"]}
        """
            .formatted(CAMERA.digest(), LIMITED.digest(), BUSY.digest()));
    Path keys = ISSUER.writeKeys(folder.resolve("jwks.json"));
    TokenOptions tokens = TokenOptions.of(keys.toString(), TestTokens.ISSUER, TestTokens.AUDIENCE);
    access =
        new AccessControl(
            new AccessOptions(callers, tokens, CallerLimits.NONE), metrics, Ticker.system());
    var lines =
        new AccessLogWriter.Options(AccessLogWriter.Format.JSON, Duration.ofNanos(1), 1 << 10);
    log =
        new AccessLogWriter("test", lines, logged, metrics.counter(Meter.ACCESS_LOG_DROPPED))
            .start();
    var options =
        RunningListener.limited(200_000)
            .over(tls)
            .guarded(new Guarding(access, Cors.of(origins), Duration.ofDays(1)));
    running = new RunningListener(options, log, router());
  }

  private Router router() {
    return new Router(
        List.of(
            Router.Route.post("/detect", GuardedListener::answer).needs(Need.INFERENCE),
            Router.Route.post("/hold", (exchange, _) -> held.add(exchange)).needs(Need.INFERENCE),
            Router.Route.get("/predict/{model}", GuardedListener::answer).needs(Need.INFERENCE),
            Router.Route.get("/metrics", GuardedListener::answer).needs(Need.METRICS),
            Router.Route.get("/healthz", GuardedListener::answer).needs(Need.NOTHING),
            Router.Route.post("/admin", GuardedListener::answer)));
  }

  private static void answer(HttpExchange exchange, List<String> captures) {
    exchange.respond(
        200, ResponseHeaders.NONE, RunningListener.text("hello " + exchange.caller().name()));
  }

  static String camera() {
    return CAMERA.reveal();
  }

  static String limited() {
    return LIMITED.reveal();
  }

  static String busy() {
    return BUSY.reveal();
  }

  static String bearer(String secret) {
    return "authorization: Bearer " + secret;
  }

  /** Ends the log, and gives back what it wrote. */
  String log() {
    log.close();
    return logged.toString(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    running.close();
    access.close();
    log.close();
  }
}
