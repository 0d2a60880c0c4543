package dev.nereid.gateway;

import dev.nereid.access.Need;
import dev.nereid.http.HttpExchange;
import dev.nereid.http.ResponseHeaders;
import dev.nereid.http.Router;
import dev.nereid.http.Router.Route;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;

/** Which path leads where. */
final class GatewayRoutes {
  private GatewayRoutes() {}

  /** Who answers. */
  record Endpoints(
      PredictEndpoints predict,
      ModelEndpoints models,
      TrafficEndpoints traffic,
      ConnectionsEndpoint connections,
      InfoEndpoints info,
      StaticFiles files) {}

  /**
   * The router of the gateway.
   *
   * @param slow where answers are made that take long
   */
  static Router router(Endpoints to, Executor slow) {
    InfoEndpoints info = to.info();
    List<Route> routes = new ArrayList<>();
    inference(to.predict(), info).forEach(route -> routes.add(route.needs(Need.INFERENCE)));
    routes.addAll(models(to.models()));
    routes.addAll(traffic(to.traffic()));
    routes.add(
        Route.get("/connections", (e, _) -> to.connections().connections(e)).needs(Need.METRICS));
    routes.add(
        Route.get("/metrics", (e, _) -> slow.execute(() -> info.metrics(e))).needs(Need.METRICS));
    open(info, to.files(), slow).forEach(route -> routes.add(route.needs(Need.NOTHING)));
    return new Router(routes, (e, _) -> notFound(e), GatewayRoutes::wrongMethod);
  }

  private static List<Route> inference(PredictEndpoints predict, InfoEndpoints info) {
    return List.of(
        Route.post("/detect", (e, _) -> predict.predict(e, "/detect", "detect")),
        Route.post("/classify", (e, _) -> predict.predict(e, "/classify", "classify")),
        Route.post("/embed", (e, _) -> predict.predict(e, "/embed", "embed")),
        Route.post("/embed/image", (e, _) -> predict.predict(e, "/embed/image", "embed")),
        Route.post("/predict/{model}", (e, c) -> predict.predict(e, "/predict", c.getFirst())),
        Route.post(
            "/predict_batch/{model}",
            (e, c) -> predict.predictBatch(e, "/predict_batch", c.getFirst())),
        Route.post("/embed/base64", (e, _) -> predict.embedAll(e, "/embed/base64", "embed")),
        Route.post("/embed/batch", (e, _) -> predict.embedAll(e, "/embed/batch", "embed")),
        Route.get("/models", (e, _) -> info.models(e)));
  }

  /** Who asks models may see which there are; changes are for administrators. */
  private static List<Route> models(ModelEndpoints models) {
    return List.of(
        Route.get("/models/index", (e, _) -> models.index(e)).needs(Need.INFERENCE),
        Route.post("/models/{model}/load", (e, c) -> models.load(e, c.getFirst())),
        Route.post("/models/{model}/unload", (e, c) -> models.unload(e, c.getFirst())));
  }

  /** Who measures may look; changes are for administrators. */
  private static List<Route> traffic(TrafficEndpoints traffic) {
    String model = "/traffic/{model}";
    return List.of(
        Route.get("/traffic", (e, _) -> traffic.all(e)).needs(Need.METRICS),
        Route.get(model, (e, c) -> traffic.one(e, c.getFirst())).needs(Need.METRICS),
        new Route("PUT", model, (e, c) -> traffic.put(e, c.getFirst())),
        new Route("DELETE", model, (e, c) -> traffic.remove(e, c.getFirst())),
        Route.post(model + "/promote", (e, c) -> traffic.promote(e, c.getFirst())),
        Route.post(model + "/rollback", (e, c) -> traffic.rollBack(e, c.getFirst())));
  }

  /** What everybody may see: whether it lives, and how to ask. */
  private static List<Route> open(InfoEndpoints info, StaticFiles files, Executor slow) {
    return List.of(
        Route.get("/health", (e, _) -> slow.execute(() -> info.health(e))),
        Route.get("/healthz", (e, _) -> info.alive(e)),
        Route.get("/caller", (e, _) -> info.caller(e)),
        Route.get("/limits", (e, _) -> info.limits(e)),
        Route.get("/openapi.json", (e, _) -> files.page(e, "openapi.json")),
        Route.get("/", (e, _) -> files.page(e, "index.html")),
        Route.get("/prepare.js", (e, _) -> files.page(e, "prepare.js")),
        Route.get("/page/{file}", (e, c) -> files.page(e, c.getFirst())),
        Route.get("/samples", (e, _) -> files.sampleNames(e)),
        Route.get("/samples/{file}", (e, c) -> files.sample(e, c.getFirst())));
  }

  /** Nothing is there. */
  static void notFound(HttpExchange exchange) {
    respond(exchange, 404, GatewayErrors.headers(404), "not_found", "no such path");
  }

  private static void wrongMethod(HttpExchange exchange, String allow) {
    respond(
        exchange,
        405,
        GatewayErrors.headers(405).with("allow", allow),
        "method_not_allowed",
        "method " + exchange.method() + " (expected: " + allow + ")");
  }

  private static void respond(
      HttpExchange exchange, int status, ResponseHeaders headers, String code, String detail) {
    String body = JsonReply.error(code, detail);
    exchange.respond(status, headers, Unpooled.copiedBuffer(body, StandardCharsets.UTF_8));
  }
}
