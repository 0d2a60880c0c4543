package dev.nereid.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;

final class RouterTest {
  private static Router.Endpoint named(String name) {
    return (exchange, captures) ->
        exchange.respond(200, ResponseHeaders.NONE, RunningListener.text(name + captures));
  }

  private static final Router ROUTER =
      new Router(
          List.of(
              Router.Route.get("/", named("root")),
              Router.Route.get("/v2", named("v2")),
              Router.Route.get("/v2/models/{m}", named("model")),
              Router.Route.post("/v2/models/{m}/infer", named("infer")),
              Router.Route.post("/v2/models/{m}/versions/{v}/infer", named("version")),
              Router.Route.get("/v2/models/stats", named("stats"))));

  @Test
  void findsTheEndpointByWholePathAndMethod() throws Exception {
    try (var running = RunningListener.of(ROUTER);
        var wire = running.connect()) {
      assertThat(wire.get("/").receive().text()).isEqualTo("root[]");
      assertThat(wire.get("/v2").receive().text()).isEqualTo("v2[]");
      assertThat(wire.get("/v2/models/a").receive().text()).isEqualTo("model[a]");
      assertThat(wire.get("/v2/models/stats").receive().text()).isEqualTo("stats[]");
      assertThat(wire.post("/v2/models/stats/infer", new byte[0]).receive().text())
          .isEqualTo("infer[stats]");
      assertThat(wire.post("/v2/models/a%20b+c/versions/7/infer?x=/", new byte[0]).receive().text())
          .isEqualTo("version[a b+c, 7]");
    }
  }

  @Test
  void answers404And405() throws Exception {
    try (var running = RunningListener.of(ROUTER);
        var wire = running.connect()) {
      for (String path : List.of("/v2/", "/v2/models", "/v2/models//infer", "/v2/models/a/b/c")) {
        assertThat(wire.get(path).receive().status()).as(path).isEqualTo(404);
      }
      var wrong = wire.post("/v2/models/a", new byte[0]).receive();
      assertThat(wrong.status()).isEqualTo(405);
      assertThat(wrong.header("allow")).isEqualTo("GET, HEAD");
      wire.send("HEAD /v2 HTTP/1.1\r\nhost: a\r\n\r\n");
      assertThat(wire.receive(false).status()).isEqualTo(200);
    }
  }

  @Test
  void refusesARouteTwice() {
    var route = Router.Route.get("/a/{b}", named("x"));
    var twin = Router.Route.get("/a/{c}", named("y"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Router(List.of(route, twin)))
        .withMessage("route: GET /a/{c} (expected: once)");
  }
}
