package dev.nereid.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nereid.engine.Engine;
import dev.nereid.engine.EngineOptions;
import dev.nereid.engine.EngineOptions.Control;
import dev.nereid.engine.EngineOptions.ControlMode;
import dev.nereid.engine.LoadReport;
import dev.nereid.http.AccessLog;
import dev.nereid.http.EventLoops;
import dev.nereid.telemetry.Metrics;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The gateway over a real engine with the demo models, on a port that the system chose. */
final class RunningGateway implements AutoCloseable {
  static final Path SAMPLES = Path.of("..", "samples");
  private static final Path MODELS = Path.of("..", "models");
  private static final JsonMapper JSON = new JsonMapper();

  final Metrics metrics = new Metrics();
  final Engine engine;
  final Gateway gateway;
  final EventLoops loops = EventLoops.start(1);
  private final HttpClient client = HttpClient.newHttpClient();

  /** An answer as it came. */
  record Answer(HttpResponse<byte[]> response) {
    int status() {
      return response.statusCode();
    }

    String header(String name) {
      return response.headers().firstValue(name).orElse("");
    }

    JsonNode json() {
      return JSON.readTree(response.body());
    }
  }

  RunningGateway(GatewayOptions options) throws Exception {
    this(options, MODELS);
  }

  RunningGateway(GatewayOptions options, Path models) throws Exception {
    this(options, EngineOptions.of(models));
  }

  RunningGateway(GatewayOptions options, EngineOptions models) throws Exception {
    this(options, models, Serving::of);
  }

  /** A gateway over what is made of the engine. */
  RunningGateway(GatewayOptions options, EngineOptions models, Function<Engine, Serving> over)
      throws Exception {
    engine = Engine.open(models, metrics);
    LoadReport report = engine.started().get(60, TimeUnit.SECONDS);
    assertThat(report.failures()).isEmpty();
    gateway = Gateway.over(over.apply(engine), options, loops, metrics, AccessLog.OFF);
    gateway.start();
  }

  /** The demo models, which may be loaded and unloaded. */
  static EngineOptions changeable() {
    return EngineOptions.of(MODELS).with(Control.of(ControlMode.EXPLICIT, "*"));
  }

  String url() {
    return "http://127.0.0.1:" + gateway.port();
  }

  static GatewayOptions options() {
    return GatewayOptions.of(0, "1.2.3").withSamples(SAMPLES);
  }

  static byte[] sample(String name) {
    try {
      return Files.readAllBytes(SAMPLES.resolve(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Answer get(String path, String... headers) throws Exception {
    return send(request(path, headers).GET());
  }

  Answer post(String path, String type, byte[] body, String... headers) throws Exception {
    return send(
        request(path, headers)
            .header("content-type", type)
            .POST(HttpRequest.BodyPublishers.ofByteArray(body)));
  }

  Answer put(String path, String body) throws Exception {
    return send(request(path).PUT(HttpRequest.BodyPublishers.ofString(body)));
  }

  Answer delete(String path) throws Exception {
    return send(request(path).DELETE());
  }

  Answer postForm(String path, Form form, String... headers) throws Exception {
    return post(path, Form.TYPE, form.bytes(), headers);
  }

  private HttpRequest.Builder request(String path, String... headers) {
    var request = HttpRequest.newBuilder(URI.create(url() + path)).timeout(Duration.ofSeconds(60));
    return headers.length == 0 ? request : request.headers(headers);
  }

  private Answer send(HttpRequest.Builder request) throws Exception {
    return new Answer(client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray()));
  }

  @Override
  public void close() {
    client.close();
    gateway.close();
    engine.close();
    assertThat(engine.memory().openLeases()).as("open leases").isZero();
    loops.close();
  }
}
