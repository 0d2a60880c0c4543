package dev.nereid.server;

import dev.nereid.http.HttpExchange;
import dev.nereid.http.Router.Endpoint;
import dev.nereid.http.Router.Route;
import java.util.List;

/** Puts a lock before the routes that need a key. Stateless. */
final class HttpGuard {
  private static final int FORBIDDEN = 403;

  private HttpGuard() {}

  /** The routes, of which those that need a key refuse whoever does not show it. */
  static List<Route> over(List<Route> routes, Restrictions restrictions) {
    if (restrictions.isEmpty()) {
      return routes;
    }
    return routes.stream().map(route -> over(route, restrictions)).toList();
  }

  private static Route over(Route route, Restrictions restrictions) {
    Restrictions.Key key = restrictions.of(Api.ofRoute(route.pattern()));
    if (key == null) {
      return route;
    }
    Endpoint behind = route.endpoint();
    return new Route(
        route.method(),
        route.pattern(),
        (exchange, captures) -> {
          if (key.isOpenedBy(exchange.header(key.header()))) {
            behind.handle(exchange, captures);
          } else {
            refuse(exchange, key);
          }
        },
        route.need());
  }

  private static void refuse(HttpExchange exchange, Restrictions.Key key) {
    HttpAnswers.error(
        exchange, FORBIDDEN, "This API is restricted, expecting header '" + key.header() + "'");
  }
}
