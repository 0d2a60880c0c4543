package dev.nereid.server;

import dev.nereid.access.Need;
import dev.nereid.http.Handler;
import dev.nereid.http.HttpExchange;
import dev.nereid.http.ResponseHeaders;
import dev.nereid.http.Router;
import dev.nereid.telemetry.Metrics;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.PooledByteBufAllocator;
import java.util.List;

/** Serves {@code GET /metrics} in the Prometheus text format. Thread-safe. */
public final class MetricsHandler implements Handler {
  private static final ResponseHeaders TEXT =
      ResponseHeaders.of("content-type", "text/plain; charset=utf-8");

  private final Router router;

  /** Serves these numbers. */
  public MetricsHandler(Metrics metrics) {
    router =
        new Router(
            List.of(
                Router.Route.get(
                        "/metrics",
                        (exchange, _) -> Control.run(exchange, () -> scrape(exchange, metrics)))
                    .needs(Need.METRICS)),
            (exchange, _) -> HttpAnswers.error(exchange, 404, "Not Found"),
            (exchange, _) -> HttpAnswers.error(exchange, 405, "Method Not Allowed"));
  }

  @Override
  public void handle(HttpExchange exchange) {
    router.handle(exchange);
  }

  @Override
  public Need need(HttpExchange exchange) {
    return router.need(exchange);
  }

  private static void scrape(HttpExchange exchange, Metrics metrics) {
    String text = metrics.scrape();
    exchange.respond(200, TEXT, ByteBufUtil.writeUtf8(PooledByteBufAllocator.DEFAULT, text));
  }
}
