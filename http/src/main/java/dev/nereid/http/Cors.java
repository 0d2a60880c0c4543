package dev.nereid.http;

import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Which pages of other origins a browser lets read our answers (CORS). Keys and tokens travel in
 * headers that the page itself sets, so cookies are never asked for. Immutable.
 */
public final class Cors {
  /** None. */
  public static final Cors NONE = new Cors(Map.of(), false);

  /** Every origin. */
  public static final String ANY = "*";

  private static final String HEADERS =
      "authorization, x-api-key, content-type, accept, x-request-id, x-request-timeout-ms,"
          + " x-request-priority, inference-header-content-length";
  private static final String EXPOSED =
      "x-process-time, server-timing, retry-after, x-request-id, inference-header-content-length";
  private static final String METHODS = "GET, POST, PUT, DELETE";
  private static final int MAX_AGE_SECONDS = 600;
  private static final ResponseHeaders VARY = ResponseHeaders.of("vary", "origin");

  private final Map<String, Answers> origins;
  private final boolean any;

  /** What an origin is told, in an answer and beforehand. */
  private record Answers(ResponseHeaders usual, ResponseHeaders preflight) {
    static Answers of(ResponseHeaders allowed) {
      return new Answers(
          allowed.with("access-control-expose-headers", EXPOSED),
          allowed
              .with("access-control-allow-methods", METHODS)
              .with("access-control-allow-headers", HEADERS)
              .with("access-control-max-age", MAX_AGE_SECONDS));
    }
  }

  private Cors(Map<String, Answers> origins, boolean any) {
    this.origins = origins;
    this.any = any;
  }

  /**
   * Pages of these origins, {@code https://console.example:8443}, or {@link #ANY}.
   *
   * @throws IllegalArgumentException when one is no origin
   */
  public static Cors of(List<String> typed) {
    if (typed.isEmpty()) {
      return NONE;
    }
    String allow = "access-control-allow-origin";
    if (typed.contains(ANY)) {
      return new Cors(Map.of(ANY, Answers.of(ResponseHeaders.of(allow, ANY))), true);
    }
    Map<String, Answers> origins = new HashMap<>();
    for (String origin : typed) {
      String known = origin.toLowerCase(Locale.ROOT);
      requireOrigin(known);
      origins.put(known, Answers.of(ResponseHeaders.of(allow, known).with("vary", "origin")));
    }
    return new Cors(origins, false);
  }

  private static void requireOrigin(String typed) {
    try {
      URI uri = URI.create(typed);
      String plain = uri.getScheme() + "://" + uri.getAuthority();
      if (uri.getHost() != null && plain.equals(typed)) {
        return;
      }
    } catch (IllegalArgumentException e) {
      // told below
    }
    throw new IllegalArgumentException(typed + " (expected: https://HOST[:PORT], or *)");
  }

  boolean isNone() {
    return origins.isEmpty();
  }

  /** Whether pages of that origin may read our answers. */
  boolean allows(String origin) {
    return any || origins.containsKey(origin.toLowerCase(Locale.ROOT));
  }

  /** What an answer to a page of that origin says; nothing where it may not be read. */
  ResponseHeaders usual(@Nullable String origin) {
    if (origin != null && allows(origin)) {
      return answers(origin).usual;
    }
    return any || isNone() ? ResponseHeaders.NONE : VARY;
  }

  /** What a browser is told that asks before. */
  ResponseHeaders preflight(String origin) {
    return answers(origin).preflight;
  }

  private Answers answers(String origin) {
    Answers known = origins.get(any ? ANY : origin.toLowerCase(Locale.ROOT));
    if (known == null) {
      throw new IllegalArgumentException("origin: not one of ours (expected: asked before)");
    }
    return known;
  }

  @Override
  public String toString() {
    return origins.keySet().toString();
  }
}
