package dev.nereid.server;

import com.google.protobuf.Message;
import dev.nereid.access.Need;
import dev.nereid.config.ConfigJson;
import dev.nereid.config.proto.ModelConfig;
import dev.nereid.core.Fault;
import dev.nereid.engine.Engine;
import dev.nereid.http.EventLoops;
import dev.nereid.http.Handler;
import dev.nereid.http.HttpExchange;
import dev.nereid.http.Router;
import dev.nereid.http.Router.Route;
import dev.nereid.protocol.Arrival;
import dev.nereid.protocol.JsonBodies;
import dev.nereid.protocol.JsonFlags;
import dev.nereid.protocol.RequestLimits;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;

/**
 * The v2 protocol over HTTP: health, metadata, configuration, statistics, the model repository, and
 * inference. What Triton has besides is answered with 501. Thread-safe.
 */
public final class V2Handler implements Handler {
  private static final String MODEL = "/v2/models/{model}";
  private static final String VERSION = MODEL + "/versions/{version}";
  private static final String REPOSITORY = "/v2/repository";

  private final Engine engine;
  private final ControlPlane control;
  private final Logging logging;
  private final HttpInference inference;
  private final Router router;

  /** What the handler works with and does not own. */
  public record Services(Engine engine, EventLoops loops, CodecThreads codecs, LogControl log) {}

  /** Serves that engine to everybody, on a listener of these event loops. */
  public V2Handler(
      Engine engine,
      ServerIdentity identity,
      RequestLimits limits,
      CodecThreads codecs,
      EventLoops loops) {
    this(new Services(engine, loops, codecs, LogControl.NONE), identity, limits, Access.OPEN);
  }

  /** Serves that engine to whoever has access, on a listener of these event loops. */
  public V2Handler(
      Services services, ServerIdentity identity, RequestLimits limits, Access access) {
    engine = services.engine();
    control = new ControlPlane(engine, identity);
    logging = new Logging(services.log());
    inference = new HttpInference(services, limits, access.forwarding());
    router =
        new Router(
            HttpGuard.over(neededRoutes(), access.restrictions()),
            (exchange, _) -> HttpAnswers.error(exchange, 404, "Not Found"),
            (exchange, allow) ->
                exchange.respond(
                    405,
                    HttpAnswers.JSON.with("allow", allow),
                    JsonBodies.error("Method Not Allowed")));
  }

  @Override
  public void handle(HttpExchange exchange) {
    router.handle(exchange);
  }

  /** Who is admitted, where the listener asks who calls. */
  @Override
  public Need need(HttpExchange exchange) {
    return router.need(exchange);
  }

  private List<Route> neededRoutes() {
    return routes().stream().map(route -> route.needs(V2Needs.ofRoute(route.pattern()))).toList();
  }

  private List<Route> routes() {
    List<Route> routes = new ArrayList<>(logging.routes());
    routes.add(Route.get("/v2", (exchange, _) -> json(exchange, control.server())));
    routes.add(Route.get("/v2/health/live", (exchange, _) -> health(exchange, false)));
    routes.add(Route.get("/v2/health/ready", (exchange, _) -> health(exchange, true)));
    routes.add(
        Route.get(
            "/v2/models/stats",
            (exchange, _) ->
                Control.run(exchange, () -> json(exchange, control.statistics("", -1)))));
    for (String model : List.of(MODEL, VERSION)) {
      routes.add(Route.get(model, message(control::model)));
      routes.add(Route.get(model + "/stats", message(control::statistics)));
      routes.add(Route.get(model + "/config", this::config));
      routes.add(Route.get(model + "/ready", this::modelReady));
      routes.add(Route.post(model + "/infer", inference::handle));
      routes.add(Route.post(model + "/generate", V2Handler::notOffered));
      routes.add(Route.post(model + "/generate_stream", V2Handler::notOffered));
    }
    for (String repository : List.of(REPOSITORY, REPOSITORY + "/{repository}")) {
      routes.add(Route.post(repository + "/index", this::index));
      routes.add(Route.post(repository + "/models/{model}/load", this::load));
      routes.add(Route.post(repository + "/models/{model}/unload", this::unload));
    }
    for (String setting : List.of("/v2/trace/setting", MODEL + "/trace/setting")) {
      routes.add(Route.get(setting, V2Handler::notOffered));
      routes.add(Route.post(setting, V2Handler::notOffered));
    }
    for (String memory : List.of("/v2/systemsharedmemory", "/v2/cudasharedmemory")) {
      String region = memory + "/region/{region}";
      routes.add(Route.get(memory + "/status", V2Handler::notOffered));
      routes.add(Route.get(region + "/status", V2Handler::notOffered));
      routes.add(Route.post(region + "/register", V2Handler::notOffered));
      routes.add(Route.post(memory + "/unregister", V2Handler::notOffered));
      routes.add(Route.post(region + "/unregister", V2Handler::notOffered));
    }
    return routes;
  }

  private static void json(HttpExchange exchange, Message message) {
    HttpAnswers.json(exchange, JsonBodies.complete(message));
  }

  /** An endpoint that sends what is told of a model. */
  private static Router.Endpoint message(BiFunction<String, Long, Message> told) {
    return (exchange, captures) ->
        Control.run(
            exchange, () -> json(exchange, told.apply(captures.getFirst(), version(captures))));
  }

  static long version(List<String> captures) {
    return captures.size() < 2 ? -1 : Arrival.version(captures.get(1));
  }

  private void health(HttpExchange exchange, boolean readiness) {
    Control.run(
        exchange,
        () -> {
          if (!engine.isLive()) {
            HttpAnswers.failure(exchange, Fault.NOT_READY.with("Server exiting"));
          } else {
            HttpAnswers.empty(exchange, !readiness || engine.isReady() ? 200 : 400);
          }
        });
  }

  private void modelReady(HttpExchange exchange, List<String> captures) {
    Control.run(
        exchange,
        () -> {
          if (engine.isReady(captures.getFirst(), version(captures))) {
            HttpAnswers.empty(exchange, 200);
          } else {
            HttpAnswers.error(exchange, 400, "Model version not ready");
          }
        });
  }

  private void config(HttpExchange exchange, List<String> captures) {
    Control.run(
        exchange,
        () -> {
          ModelConfig config = engine.config(captures.getFirst(), version(captures));
          HttpAnswers.json(exchange, JsonBodies.text(ConfigJson.print(config)));
        });
  }

  private void index(HttpExchange exchange, List<String> captures) {
    Control.run(
        exchange,
        () -> {
          boolean readyOnly = JsonFlags.read(exchange.body(), "ready");
          HttpAnswers.json(exchange, JsonBodies.sparse(control.index(readyOnly).getModelsList()));
        });
  }

  private void load(HttpExchange exchange, List<String> captures) {
    Control.run(
        exchange,
        () -> {
          RepositoryCalls.requireNoRepository(captures.size() < 2 ? "" : captures.getFirst());
          var parameters = RepositoryCalls.load(JsonFlags.parameters(exchange.body()));
          engine.load(captures.getLast(), parameters);
          HttpAnswers.empty(exchange, 200);
        });
  }

  private void unload(HttpExchange exchange, List<String> captures) {
    Control.run(
        exchange,
        () -> {
          RepositoryCalls.requireNoRepository(captures.size() < 2 ? "" : captures.getFirst());
          var parameters = JsonFlags.parameters(exchange.body());
          engine.unload(captures.getLast(), RepositoryCalls.unloadsDependents(parameters));
          HttpAnswers.empty(exchange, 200);
        });
  }

  private static void notOffered(HttpExchange exchange, List<String> captures) {
    HttpAnswers.failure(
        exchange, Fault.UNSUPPORTED.with(exchange.path() + " is not supported by this server"));
  }
}
