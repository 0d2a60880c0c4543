package dev.nereid.http;

import dev.nereid.access.AccessControl;
import dev.nereid.access.Caller;
import dev.nereid.access.Credentials;
import dev.nereid.access.Decision;
import dev.nereid.access.Decision.Admitted;
import dev.nereid.access.Decision.Refused;
import dev.nereid.access.Denial;
import dev.nereid.access.Need;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpHeaders;
import java.util.Locale;
import javax.security.auth.x500.X500Principal;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks at the head of each request of a guarded listener, once, before a byte of its body is read.
 * Called on event loops; does not block.
 */
final class HeadGuard {
  private static final Logger LOG = LoggerFactory.getLogger(HeadGuard.class);
  private static final ResponseHeaders CHALLENGE =
      ResponseHeaders.of("www-authenticate", "Bearer realm=\"nereid\"");
  private static final ResponseHeaders REFUSED_CHALLENGE =
      ResponseHeaders.of("www-authenticate", "Bearer realm=\"nereid\", error=\"invalid_token\"");

  /** Of answers that are not for everybody. */
  private static final ResponseHeaders PRIVATE = ResponseHeaders.of("cache-control", "no-store");

  private final String listener;
  private final Handler handler;
  private final @Nullable AccessControl access;
  private final Cors cors;
  private final boolean tls;
  private final ResponseHeaders always;

  /** What becomes of a request. */
  sealed interface Verdict {
    /** It goes on. */
    record Pass() implements Verdict {
      static final Pass ON = new Pass();
    }

    /** It is refused. */
    record Refuse(Refusal refusal, String detail) implements Verdict {}

    /** A browser's question is answered with these headers, and nothing else. */
    record Preflight(ResponseHeaders headers) implements Verdict {}
  }

  HeadGuard(ListenerOptions options, Handler handler) {
    Guarding guarding = options.guarding();
    listener = options.name();
    this.handler = handler;
    access = guarding.access();
    cors = guarding.cors();
    tls = options.tls() != null;
    long seconds = guarding.strictTransport().toSeconds();
    always =
        tls && seconds > 0
            ? ResponseHeaders.of("strict-transport-security", "max-age=" + seconds)
            : ResponseHeaders.NONE;
  }

  /** Decides on a request whose head was read, and tells it what its answer has to say. */
  Verdict check(HttpExchange exchange) {
    HttpHeaders headers = exchange.headers();
    String origin = headers.get(HttpHeaderNames.ORIGIN);
    exchange.add(always.and(cors.usual(origin)));
    if (origin != null && isPreflight(exchange)) {
      return preflight(exchange, origin);
    }
    if (access == null) {
      return Verdict.Pass.ON;
    }
    X500Principal subject = exchange.clientSubject();
    Credentials shown =
        Credentials.of(
            headers.getAll(Credentials.AUTHORIZATION),
            headers.getAll(Credentials.API_KEY),
            subject);
    Need need = handler.need(exchange);
    if (need != Need.NOTHING) {
      exchange.add(PRIVATE);
    }
    if (shown.isCertificate() && need != Need.NOTHING && isForeign(origin, headers)) {
      return refused(exchange, Refused.of(Denial.CROSS_SITE, "header origin: not allowed to call"));
    }
    Decision decision = access.decide(shown, need);
    return switch (decision) {
      case Admitted(Caller caller) -> {
        exchange.caller(caller);
        yield Verdict.Pass.ON;
      }
      case Refused refusal -> refused(exchange, refusal);
    };
  }

  private static boolean isPreflight(HttpExchange exchange) {
    return exchange.method().equals("OPTIONS")
        && exchange.headers().contains(HttpHeaderNames.ACCESS_CONTROL_REQUEST_METHOD);
  }

  private Verdict preflight(HttpExchange exchange, String origin) {
    if (cors.isNone()) {
      return access == null ? Verdict.Pass.ON : crossSite(exchange);
    }
    return cors.allows(origin)
        ? new Verdict.Preflight(cors.preflight(origin))
        : crossSite(exchange);
  }

  private Verdict crossSite(HttpExchange exchange) {
    return refused(exchange, Refused.of(Denial.CROSS_SITE, "header origin: not allowed to call"));
  }

  /** Whether a page that is neither ours nor allowed makes a browser call. */
  private boolean isForeign(@Nullable String origin, HttpHeaders headers) {
    if (origin == null || cors.allows(origin)) {
      return false;
    }
    String ours = (tls ? "https://" : "http://") + headers.get(HttpHeaderNames.HOST);
    return !origin.toLowerCase(Locale.ROOT).equals(ours.toLowerCase(Locale.ROOT));
  }

  private Verdict refused(HttpExchange exchange, Refused refused) {
    Denial denial = refused.denial();
    if (access != null) {
      access.refused(listener, denial);
    }
    LOG.debug("{}: {} is refused: {}", listener, exchange.remoteAddress(), refused.detail());
    exchange.callerName(refused.name());
    return new Verdict.Refuse(refusal(exchange, refused), refused.detail());
  }

  private static Refusal refusal(HttpExchange exchange, Refused refused) {
    return switch (refused.denial().kind()) {
      case MALFORMED -> Refusal.MALFORMED;
      case UNAUTHENTICATED -> {
        exchange.add(refused.denial() == Denial.MISSING ? CHALLENGE : REFUSED_CHALLENGE);
        yield Refusal.UNAUTHENTICATED;
      }
      case FORBIDDEN -> Refusal.FORBIDDEN;
      case LIMITED -> {
        exchange.add(ResponseHeaders.of("retry-after", refused.retrySeconds()));
        yield Refusal.CALLER_LIMIT;
      }
      case UNAVAILABLE -> Refusal.CANNOT_TELL;
    };
  }
}
