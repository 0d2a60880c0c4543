package dev.nereid.http;

import dev.nereid.access.Need;
import dev.nereid.core.Fault;
import dev.nereid.core.FaultException;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.http.QueryStringDecoder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Finds the endpoint of a request by its whole path and its method. A pattern is a path whose
 * segments are literal or a capture in braces: {@code /v2/models/{model}/infer}; a literal segment
 * goes before a capture. {@code HEAD} is served by {@code GET}'s endpoint.
 *
 * <p>Immutable once built, and thread-safe.
 */
public final class Router implements Handler {
  private final Node root = new Node();
  private final Endpoint unknownPath;
  private final WrongMethod wrongMethod;

  /** Answers requests of one route. */
  @FunctionalInterface
  public interface Endpoint {
    /**
     * Takes a request, under the rules of {@link Handler#handle}.
     *
     * @param captures what stood in the pattern's braces, decoded, from left to right
     */
    void handle(HttpExchange exchange, List<String> captures);
  }

  /** Answers requests whose path is known and whose method is not. */
  @FunctionalInterface
  public interface WrongMethod {
    /** Takes a request; {@code allow} is the value of the {@code Allow} header. */
    void handle(HttpExchange exchange, String allow);
  }

  /**
   * Requests with that method and a path of that pattern go to that endpoint.
   *
   * @param need what they need their caller to be
   */
  public record Route(String method, String pattern, Endpoint endpoint, Need need) {
    public Route {
      if (!pattern.startsWith("/")) {
        throw new IllegalArgumentException("route: '" + pattern + "' (expected: begins with /)");
      }
    }

    /** A route for administrators, where a listener asks who calls. */
    public Route(String method, String pattern, Endpoint endpoint) {
      this(method, pattern, endpoint, Need.ADMINISTRATION);
    }

    /** The same route for others. */
    public Route needs(Need other) {
      return new Route(method, pattern, endpoint, other);
    }

    /** A route for GET and HEAD. */
    public static Route get(String pattern, Endpoint endpoint) {
      return new Route("GET", pattern, endpoint);
    }

    /** A route for POST. */
    public static Route post(String pattern, Endpoint endpoint) {
      return new Route("POST", pattern, endpoint);
    }
  }

  /** A router over these routes, which answers 404 and 405 without a body. */
  public Router(List<Route> routes) {
    this(
        routes,
        (exchange, _) -> exchange.respond(404, ResponseHeaders.NONE, Unpooled.EMPTY_BUFFER),
        (exchange, allow) ->
            exchange.respond(405, ResponseHeaders.of("allow", allow), Unpooled.EMPTY_BUFFER));
  }

  /** A router over these routes; what fits none goes to the other two. */
  public Router(List<Route> routes, Endpoint unknownPath, WrongMethod wrongMethod) {
    this.unknownPath = unknownPath;
    this.wrongMethod = wrongMethod;
    for (Route route : routes) {
      add(route);
    }
  }

  @Override
  public void handle(HttpExchange exchange) {
    List<String> captures = new ArrayList<>(2);
    Node node = find(root, exchange.path(), 1, captures);
    if (node == null) {
      unknownPath.handle(exchange, List.of());
      return;
    }
    Route route = node.route(exchange.method());
    if (route == null) {
      wrongMethod.handle(exchange, node.allow());
    } else {
      exchange.route = route.pattern();
      route.endpoint().handle(exchange, captures);
    }
  }

  /** What the route of a request says; where it has none, somebody who is known is told so. */
  @Override
  public Need need(HttpExchange exchange) {
    Node node = find(root, exchange.path(), 1, null);
    Route route = node == null ? null : node.route(exchange.method());
    return route == null ? Need.IDENTITY : route.need();
  }

  private void add(Route route) {
    Node node = root;
    for (String segment : route.pattern().substring(1).split("/", -1)) {
      if (segment.startsWith("{") && segment.endsWith("}")) {
        node = node.captureNode();
      } else {
        node = node.literals.computeIfAbsent(segment, _ -> new Node());
      }
    }
    if (node.routes.put(route.method(), route) != null) {
      throw new IllegalArgumentException(
          "route: " + route.method() + " " + route.pattern() + " (expected: once)");
    }
  }

  /**
   * The node for the rest of a path, with a route of its own; null when there is none.
   *
   * @param captures where they are put; null when they do not matter
   */
  private static @Nullable Node find(
      Node node, String path, int start, @Nullable List<String> captures) {
    if (start > path.length()) {
      return node.routes.isEmpty() ? null : node;
    }
    int slash = path.indexOf('/', start);
    int end = slash < 0 ? path.length() : slash;
    String segment = path.substring(start, end);
    Node literal = node.literals.get(segment);
    if (literal != null) {
      Node found = find(literal, path, end + 1, captures);
      if (found != null) {
        return found;
      }
    }
    Node capture = node.capture;
    if (capture == null || segment.isEmpty()) {
      return null;
    }
    if (captures == null) {
      return find(capture, path, end + 1, null);
    }
    captures.add(decode(segment));
    Node found = find(capture, path, end + 1, captures);
    if (found == null) {
      captures.removeLast();
    }
    return found;
  }

  private static String decode(String segment) {
    if (segment.indexOf('%') < 0) {
      return segment;
    }
    try {
      return QueryStringDecoder.decodeComponent(segment.replace("+", "%2B"));
    } catch (IllegalArgumentException e) {
      throw FaultException.of(Fault.INVALID_ARGUMENT, "path: badly percent-encoded");
    }
  }

  private static final class Node {
    private final Map<String, Node> literals = new HashMap<>();
    private final Map<String, Route> routes = new TreeMap<>();
    private @Nullable Node capture;

    @Nullable Route route(String method) {
      Route route = routes.get(method);
      return route == null && method.equals("HEAD") ? routes.get("GET") : route;
    }

    Node captureNode() {
      Node known = capture;
      if (known == null) {
        known = new Node();
        capture = known;
      }
      return known;
    }

    String allow() {
      String allow = String.join(", ", routes.keySet());
      return routes.containsKey("GET") ? allow + ", HEAD" : allow;
    }
  }
}
