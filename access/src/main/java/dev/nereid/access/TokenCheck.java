package dev.nereid.access;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import com.nimbusds.jwt.proc.BadJWTException;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import com.nimbusds.jwt.proc.ExpiredJWTException;
import dev.nereid.core.Ticker;
import java.nio.ByteBuffer;
import java.text.ParseException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Date;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks tokens (JWT): who signed them, for whom, and until when. Thread-safe; does not block.
 *
 * <p>A token is checked once, which takes some tens of microseconds, and then known by its digest
 * until it expires or its signer's keys change. How many are checked in a second is limited, since
 * whoever knows a key's name can make as many as it likes that fail only at the signature.
 */
final class TokenCheck {
  private static final Logger LOG = LoggerFactory.getLogger(TokenCheck.class);
  private static final int KNOWN_TOKENS = 20_000;
  private static final CallerLimits CHECKS = new CallerLimits(2_000, 200, 0);

  private final TokenOptions options;
  private final Ticker ticker;
  private final InstantSource clock;
  private final TokenClaims claims;
  private final Runnable unknownKey;
  private final Budget checks;
  private final Set<JWSAlgorithm> algorithms = new HashSet<>();
  private final Cache<ByteBuffer, Checked> known;
  private volatile TokenKeys keys = TokenKeys.NONE;

  /** A token that was found good, by whose keys, among which callers. */
  private record Checked(Decision.Admitted admitted, Instant until, TokenKeys keys, Object list) {}

  /**
   * A check that knows no keys yet.
   *
   * @param unknownKey is run when a token names a key that is not known
   */
  TokenCheck(
      TokenOptions options,
      TokenClaims claims,
      Ticker ticker,
      InstantSource clock,
      Runnable unknownKey) {
    this.options = options;
    this.claims = claims;
    this.ticker = ticker;
    this.clock = clock;
    this.unknownKey = unknownKey;
    checks = new Budget(CHECKS, ticker.nanos());
    options.algorithms().forEach(name -> algorithms.add(JWSAlgorithm.parse(name)));
    known = Caffeine.newBuilder().maximumSize(KNOWN_TOKENS).executor(Runnable::run).build();
  }

  /** These keys count from now on, and no others. */
  void take(TokenKeys fresh) {
    keys = fresh;
  }

  /** Whose token that is, or why it does not count; its roles and limits are not asked yet. */
  Decision check(String token, CallerList list) {
    TokenKeys inForce = keys;
    if (inForce.isEmpty()) {
      return new Decision.Refused(Denial.NO_KEYS, "", "token: no keys to check it by yet", 1);
    }
    ByteBuffer digest = ByteBuffer.wrap(ApiKey.digest(token));
    Instant now = clock.instant();
    Checked before = known.getIfPresent(digest);
    if (before != null && before.keys == inForce && before.list == list) {
      return now.isBefore(before.until) ? before.admitted : expired();
    }
    SignedJWT parsed = parse(token);
    if (parsed == null || !algorithms.contains(parsed.getHeader().getAlgorithm())) {
      return bad();
    }
    if (inForce.of(parsed.getHeader()).isEmpty()) {
      unknownKey.run();
      return bad();
    }
    long wait = checks.enter(ticker.nanos());
    if (wait != Budget.GRANTED) {
      return new Decision.Refused(Denial.NO_KEYS, "", "token: too many new ones at once", wait);
    }
    try {
      return verify(parsed, inForce, digest, list);
    } finally {
      checks.leave();
    }
  }

  private static @Nullable SignedJWT parse(String token) {
    try {
      return SignedJWT.parse(token);
    } catch (ParseException | RuntimeException e) {
      return null;
    }
  }

  private Decision verify(SignedJWT token, TokenKeys inForce, ByteBuffer digest, CallerList list) {
    JWTClaimsSet said;
    try {
      said = processor(inForce).process(token, null);
    } catch (ExpiredJWTException e) {
      return expired();
    } catch (BadJWTException e) {
      return Decision.Refused.of(
          Denial.WRONG_CLAIMS, "token: not for this service, or not yet valid");
    } catch (BadJOSEException | JOSEException | RuntimeException e) {
      LOG.debug("a token is not accepted", e);
      return bad();
    }
    Decision whose = claims.caller(said, list);
    if (whose instanceof Decision.Admitted admitted) {
      Instant until = said.getExpirationTime().toInstant().plus(options.leeway());
      known.put(digest, new Checked(admitted, until, inForce, list));
    }
    return whose;
  }

  private DefaultJWTProcessor<SecurityContext> processor(TokenKeys inForce) {
    var processor = new DefaultJWTProcessor<SecurityContext>();
    processor.setJWSTypeVerifier(
        new DefaultJOSEObjectTypeVerifier<>(
            JOSEObjectType.JWT, new JOSEObjectType("at+jwt"), null));
    processor.setJWSKeySelector((header, _) -> inForce.of(header));
    var rules =
        new DefaultJWTClaimsVerifier<SecurityContext>(
            new HashSet<>(options.audiences()),
            new JWTClaimsSet.Builder().issuer(options.issuer()).build(),
            new HashSet<>(Set.of("exp")),
            new HashSet<>()) {
          @Override
          protected Date currentTime() {
            return Date.from(clock.instant());
          }
        };
    rules.setMaxClockSkew((int) options.leeway().toSeconds());
    processor.setJWTClaimsSetVerifier(rules);
    return processor;
  }

  private static Decision expired() {
    return Decision.Refused.of(Denial.EXPIRED, "token: expired");
  }

  private static Decision bad() {
    return Decision.Refused.of(Denial.BAD_TOKEN, "token: not accepted");
  }
}
